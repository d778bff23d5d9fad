"""`qianfan platform`: a running local platform, looked into and steered from a shell, by its admin API."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path  # noqa: TC003  # typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

import typer

from qianfan.cli.steering import TOKEN, URL, AsJson, Url, asking
from qianfan.cli.tables import print_blocks, show_json

if TYPE_CHECKING:
    from qianfan.cli.tables import Row

_WAIT = 25  # seconds

app = typer.Typer(
    help="查看与操纵正在运行的本地平台：请求记录、故障、剧本、时钟、重置。"
    f"允许其他机器访问的平台，令牌放在环境变量 {TOKEN} 里。",
    no_args_is_help=True,
)
fault = typer.Typer(help="故障：哪些请求、发生什么。", no_args_is_help=True)
clock = typer.Typer(help="平台的时钟。", no_args_is_help=True)
script = typer.Typer(help="剧本：指定模型的回复。", no_args_is_help=True)
app.add_typer(fault, name="fault")
app.add_typer(clock, name="clock")
app.add_typer(script, name="script")


@app.command("state")
def state(url: Url = URL, as_json: AsJson = False) -> None:
    """概况：版本、时钟、配额、请求与任务的数量。"""
    with asking(url) as ask:
        found = ask("GET", "/state")
        _show(
            found,
            {
                "地址": found["url"],
                "版本": found["version"],
                "时钟": _clock(found["clock"]),
                "配额": ", ".join(f"{name}={limit}" for name, limit in found["quotas"].items() if limit)
                or "不限",
                "请求": found["calls"]["kept"],
                "故障": found["faults"],
                "运行中的任务": found["jobs"]["running"],
                "服务": found["services"],
            },
            as_json=as_json,
        )


@app.command("calls")
def calls(
    url: Url = URL,
    route: Annotated[str | None, typer.Option(help="只列一种，如 chat、token、console。")] = None,
    model: Annotated[str | None, typer.Option(help="只列一个模型。")] = None,
    text: Annotated[str | None, typer.Option(help="只列内容里有这段文字的。")] = None,
    status: Annotated[int | None, typer.Option(help="只列这个 HTTP 状态的。")] = None,
    failed: Annotated[bool, typer.Option("--failed", help="只列失败的。")] = False,
    limit: Annotated[int, typer.Option(help="最多几个，取最新的。", min=0, max=1000)] = 20,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="继续等待新的请求，直到 Ctrl-C。")] = False,
    as_json: AsJson = False,
) -> None:
    """列出请求，旧的在前。"""
    wanted: dict[str, Any] = {"route": route, "model": model, "text": text, "status": status}
    query = {name: value for name, value in wanted.items() if value is not None}
    if failed:
        query["failed"] = "true"
    with asking(url) as ask:
        found = ask("GET", f"/calls?{urlencode({**query, 'limit': limit})}")
        if not follow:
            _show(found["calls"], [_call_line(call) for call in found["calls"]], as_json=as_json)
            return
        while True:
            for call in found["calls"]:
                line = json.dumps(call) if as_json else "  ".join(map(str, _call_line(call).values()))
                typer.echo(line)
            found = ask("GET", f"/calls?{urlencode({**query, 'after': found['last'], 'wait': _WAIT})}")


@app.command("call")
def call(
    number: Annotated[int, typer.Argument(help="请求的编号，见 calls。", metavar="NUMBER")],
    url: Url = URL,
    curl: Annotated[bool, typer.Option("--curl", help="只输出重发它的 curl 命令。")] = False,
    python: Annotated[bool, typer.Option("--python", help="只输出重发它的 Python 程序。")] = False,
) -> None:
    """一个请求的全部：内容、回复、用时；或可以重发它的命令。"""
    with asking(url) as ask:
        found = ask("GET", f"/calls/{number}")
        if curl or python:
            typer.echo(found["curl" if curl else "python"].rstrip())
        else:
            show_json(found)


@app.command("clear")
def clear(url: Url = URL) -> None:
    """清空请求记录。"""
    with asking(url) as ask:
        ask("DELETE", "/calls")


@app.command("reset")
def reset(url: Url = URL) -> None:
    """让平台回到启动时的样子，状态文件也会清空。"""
    with asking(url) as ask:
        ask("POST", "/reset")


@app.command("quota")
def quota(
    url: Url = URL,
    qps: Annotated[float | None, typer.Option(help="每秒请求上限。")] = None,
    rpm: Annotated[int | None, typer.Option(help="每分钟请求上限。")] = None,
    tpm: Annotated[int | None, typer.Option(help="每分钟 token 上限。")] = None,
    lift: Annotated[bool, typer.Option("--lift", help="取消没有给出的上限。")] = False,
    as_json: AsJson = False,
) -> None:
    """查看配额；给出任何一个上限则设置它。"""
    given: dict[str, Any] = {"qps": qps, "rpm": rpm, "tpm": tpm}
    given = {name: limit for name, limit in given.items() if limit is not None}
    with asking(url) as ask:
        found = ask("GET", "/quotas")
        if given or lift:
            found = ask("PUT", "/quotas", {**({} if lift else found), **given})
        _show(found, {name: limit or "不限" for name, limit in found.items()}, as_json=as_json)


@fault.command("add")
def add_fault(
    route: Annotated[
        str, typer.Argument(help="哪种请求：chat、token、console 等，* 为所有。", metavar="ROUTE")
    ],
    url: Url = URL,
    nth: Annotated[list[int] | None, typer.Option(help="第几个，从 1 数起，可重复。", min=1)] = None,
    every: Annotated[int | None, typer.Option(help="每隔几个一次。", min=1)] = None,
    times: Annotated[int | None, typer.Option(help="最多几次。", min=1)] = None,
    p: Annotated[float | None, typer.Option("--p", help="每个的概率。", min=0, max=1)] = None,
    model: Annotated[str | None, typer.Option(help="哪个模型。")] = None,
    endpoint: Annotated[str | None, typer.Option(help="哪个服务地址，* 代表任意字符。")] = None,
    version: Annotated[int | None, typer.Option("--api-version", help="哪个接口。", min=1, max=2)] = None,
    stream: Annotated[bool | None, typer.Option("--stream/--no-stream", help="是否流式。")] = None,
    text: Annotated[str | None, typer.Option(help="用户的话里有这段文字。")] = None,
    delay: Annotated[float | None, typer.Option(help="晚几秒应答。", min=0)] = None,
    status: Annotated[int | None, typer.Option(help="代之以这个 HTTP 状态。")] = None,
    retry_after: Annotated[float | None, typer.Option(help="配合 --status：Retry-After 的秒数。")] = None,
    code: Annotated[str | None, typer.Option(help="代之以这个错误码。")] = None,
    message: Annotated[str | None, typer.Option(help="配合 --code：错误信息。")] = None,
    reset: Annotated[bool, typer.Option("--reset", help="重置连接。")] = False,
    cut: Annotated[int | None, typer.Option(help="在几个流式事件之后断开。", min=0)] = None,
    garbage: Annotated[int | None, typer.Option(help="在几个流式事件之后发来乱码。", min=0)] = None,
    stall: Annotated[float | None, typer.Option(help="静默几秒。", min=0)] = None,
    split: Annotated[int | None, typer.Option(help="切成几字节一包。", min=1)] = None,
    slow_headers: Annotated[float | None, typer.Option(help="用几秒慢慢发出响应头。", min=0)] = None,
    as_json: AsJson = False,
) -> None:
    """添加故障，例如 qianfan platform fault add chat --nth 2 --status 429 --retry-after 3。"""
    conditions = {
        "route": route,
        "nth": nth[0] if nth and len(nth) == 1 else nth,
        "every": every,
        "times": times,
        "p": p,
        "model": model,
        "endpoint": endpoint,
        "version": version,
        "stream": stream,
        "text": text,
    }
    known = int(code) if code is not None and code.isascii() and code.isdigit() else code
    effects: dict[str, dict[str, Any]] = {
        "delay": {"seconds": delay},
        "status": {"status": status, "retry_after": retry_after},
        "code": {"code": known, "message": message},
        "cut": {"after": cut},
        "garbage": {"after": garbage},
        "stall": {"seconds": stall},
        "split": {"size": split},
        "slow_headers": {"seconds": slow_headers},
    }
    given = {kind: _given(values) for kind, values in effects.items()}
    do = [{"kind": kind, **values} for kind, values in given.items() if values]
    if reset:
        do.append({"kind": "reset"})
    with asking(url) as ask:
        added = ask("POST", "/faults", {"on": _given(conditions), "do": do})
        _show(added, _fault_line(added), as_json=as_json)


@fault.command("list")
def list_faults(url: Url = URL, as_json: AsJson = False) -> None:
    """列出故障，以及各遇到、发生了几次。"""
    with asking(url) as ask:
        found = ask("GET", "/faults")
        _show(found, [_fault_line(it) for it in found["faults"]], as_json=as_json)


@fault.command("remove")
def remove_fault(
    number: Annotated[int, typer.Argument(help="故障的编号，见 fault list。", metavar="ID")], url: Url = URL
) -> None:
    """去掉一个故障。"""
    with asking(url) as ask:
        ask("DELETE", f"/faults/{number}")


@fault.command("clear")
def clear_faults(url: Url = URL) -> None:
    """去掉所有故障。"""
    with asking(url) as ask:
        ask("DELETE", "/faults")


@script.command("load")
def load_script(
    file: Annotated[Path, typer.Argument(help="JSON 文件。", exists=True, dir_okay=False)],
    url: Url = URL,
    as_json: AsJson = False,
) -> None:
    """加入一个剧本文件里的规则，它们先于已有的规则。"""
    try:
        content = json.loads(file.read_bytes())
    except ValueError as error:
        raise typer.BadParameter(f"{file}: {error}") from None
    with asking(url) as ask:
        document = {"rules": content} if isinstance(content, list) else content
        _show_script(ask("POST", "/script", document), as_json=as_json)


@script.command("list")
def list_script(url: Url = URL, as_json: AsJson = False) -> None:
    """列出规则，以及各回答了几次。"""
    with asking(url) as ask:
        _show_script(ask("GET", "/script"), as_json=as_json)


@script.command("clear")
def clear_script(url: Url = URL) -> None:
    """去掉所有规则。"""
    with asking(url) as ask:
        ask("DELETE", "/script")


@clock.command("show")
def show_clock(url: Url = URL, as_json: AsJson = False) -> None:
    """现在几点，是否暂停。"""
    _steer_clock(url, "GET", "", None, as_json=as_json)


@clock.command("advance")
def advance(
    url: Url = URL,
    seconds: Annotated[float, typer.Option(help="秒。", min=0)] = 0,
    minutes: Annotated[float, typer.Option(help="分钟。", min=0)] = 0,
    hours: Annotated[float, typer.Option(help="小时。", min=0)] = 0,
    days: Annotated[float, typer.Option(help="天。", min=0)] = 0,
    as_json: AsJson = False,
) -> None:
    """快进：令牌变旧，配额恢复，任务、部署与流式回复继续。"""
    step = {"seconds": seconds, "minutes": minutes, "hours": hours, "days": days}
    _steer_clock(url, "POST", "/advance", step, as_json=as_json)


@clock.command("freeze")
def freeze(url: Url = URL, as_json: AsJson = False) -> None:
    """暂停，此后只有快进会移动它。"""
    _steer_clock(url, "POST", "/freeze", None, as_json=as_json)


@clock.command("unfreeze")
def unfreeze(url: Url = URL, as_json: AsJson = False) -> None:
    """继续。"""
    _steer_clock(url, "POST", "/unfreeze", None, as_json=as_json)


def _steer_clock(url: str, method: str, path: str, body: Any, *, as_json: bool) -> None:
    with asking(url) as ask:
        found = ask(method, f"/clock{path}", body)
        _show(found, {"时钟": _clock(found)}, as_json=as_json)


def _show(found: Any, shown: Row | list[Row], *, as_json: bool) -> None:
    if as_json:
        show_json(found)
    else:
        print_blocks([shown])


def _show_script(found: Any, *, as_json: bool) -> None:
    rows: list[Row] = [{"规则": rule["says"], "回答": rule["calls"]} for rule in found["rules"]]
    _show(found, rows, as_json=as_json)


def _call_line(call: dict[str, Any]) -> Row:
    took = call["duration"]
    code = "" if call["error_code"] is None else f" {call['error_code']}"
    return {
        "编号": call["number"],
        "时间": _time(call["time"], "%H:%M:%S"),
        "请求": f"{call['method']} {call['route']}",
        "模型": call["model"] or call["endpoint"] or call["path"],
        "状态": f"{call['status'] or '断开'}{code}",
        "用时": "" if took is None else f"{1000 * took:.1f} ms",
        "内容": call["text"],
    }


def _fault_line(fault: dict[str, Any]) -> Row:
    return {
        "编号": fault["id"],
        "故障": fault["python"],
        "遇到": str(fault["met"]),
        "发生": str(fault["hits"]),
    }


def _clock(found: dict[str, Any]) -> str:
    return _time(found["now"], "%Y-%m-%d %H:%M:%S") + ("（已暂停）" if found["frozen"] else "")


def _time(seconds: float, form: str) -> str:
    return datetime.fromtimestamp(seconds).astimezone().strftime(form)


def _given(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values that were given; whole numbers as such, as a fault's text shows them."""
    return {
        name: int(value) if isinstance(value, float) and value.is_integer() else value
        for name, value in values.items()
        if value is not None
    }
