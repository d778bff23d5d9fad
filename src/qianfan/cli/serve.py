"""`qianfan serve`: the local platform in the foreground."""

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003  # typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qianfan.cli.ending import clean_ending, say
from qianfan.cli.steering import TOKEN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qianfan.local import Platform
    from qianfan.local.console.datasets import Dataset

_V1 = "/rpc/2.0/ai_custom/v1/wenxinworkshop"
_V2_MODEL = "ernie-4.5-turbo-128k"


def serve(
    host: Annotated[str, typer.Option(help="监听地址；非回环地址须同时给出 --allow-remote。")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="监听端口，0 为任意空闲端口。", min=0, max=65535)] = 8866,
    allow_remote: Annotated[
        bool, typer.Option("--allow-remote", help="允许其他机器访问：密钥由管理令牌生成，不再是众所周知的。")
    ] = False,
    admin_token: Annotated[
        str | None,
        typer.Option(
            envvar=TOKEN,
            show_envvar=True,
            help="管理令牌，宜放在环境变量里；不给则每次启动另生成一个。",
        ),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="可以用来访问的主机名，可重复；localhost 与 IP 地址总是可以。"),
    ] = None,
    qps: Annotated[
        float | None, typer.Option(help="每个应用在每个服务上每秒的请求上限，超出返回 18。")
    ] = None,
    rpm: Annotated[int | None, typer.Option(help="每分钟请求上限，超出返回 336501。")] = None,
    tpm: Annotated[int | None, typer.Option(help="每分钟 token 上限，超出返回 336502。")] = None,
    token_lifetime: Annotated[int, typer.Option(help="access_token 的有效秒数。", min=1)] = 2_592_000,
    any_key: Annotated[bool, typer.Option("--any-key", help="接受任意密钥。")] = False,
    any_endpoint: Annotated[bool, typer.Option("--any-endpoint", help="任意自定义服务地址都应答。")] = False,
    any_dataset: Annotated[
        bool, typer.Option("--any-dataset", help="任意数据集 id 均可训练，用内置样本代替。")
    ] = False,
    dataset: Annotated[
        list[Path] | None,
        typer.Option(help="注册 JSONL 数据集供精调使用，可重复。", exists=True, dir_okay=False),
    ] = None,
    state: Annotated[
        Path | None, typer.Option(help="状态文件：重启后保留任务、模型、服务与密钥。", dir_okay=False)
    ] = None,
    chunk_delay: Annotated[float, typer.Option(help="流式事件之间的秒数。", min=0)] = 0.0,
    script: Annotated[
        list[Path] | None,
        typer.Option(
            help="剧本：JSON 或 JSONL 写的回复规则，后面的优先，可重复。", exists=True, dir_okay=False
        ),
    ] = None,
    faults: Annotated[
        Path | None,
        typer.Option(
            help="故障：platform.faults.save() 写的 JSON 文件，故障与随机种子。", exists=True, dir_okay=False
        ),
    ] = None,
    upstream: Annotated[
        str | None,
        typer.Option(
            help="真实生成：OpenAI 协议的服务地址，如 http://127.0.0.1:11434/v1；"
            "qianfan 为原样转给千帆平台，qianfan+地址 为转给该地址的平台。"
        ),
    ] = None,
    upstream_key: Annotated[
        str | None,
        typer.Option(
            envvar="QIANFAN_UPSTREAM_KEY", show_envvar=True, help="该服务的密钥，宜放在环境变量里。"
        ),
    ] = None,
    upstream_model: Annotated[
        list[str] | None,
        typer.Option(
            help="该服务上的模型名；“模型=名称”只对一个模型，“chat=名称”“embedding=名称”对一类，可重复。"
        ),
    ] = None,
    upstream_timeout: Annotated[float, typer.Option(help="该服务最长沉默的秒数。")] = 300.0,
    record: Annotated[
        Path | None,
        typer.Option(help="录制：每次调用与回复存入该目录，一次一个文件，不含密钥。", file_okay=False),
    ] = None,
    replay: Annotated[
        Path | None,
        typer.Option(
            help="回放该目录中的录制；没有录过的请求报错，同时给出 --record 或 --upstream 时照常应答。",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    replay_pace: Annotated[float, typer.Option(help="回放的节奏：1 与录制时相同，0 不等待。", min=0)] = 1.0,
) -> None:
    """在本机启动本地平台，按 Ctrl-C 结束。"""
    from qianfan.local import platform
    from qianfan.local.faults import read
    from qianfan.local.upstream.names import parsed
    from qianfan.local.upstream.passing import PLATFORM

    with clean_ending():
        try:
            given, seed = read(faults) if faults else ([], None)
            running = platform(
                host=host,
                port=port,
                allow_remote=allow_remote,
                allow_hosts=allow_host or [],
                admin_token=admin_token,
                qps=qps,
                rpm=rpm,
                tpm=tpm,
                token_lifetime=token_lifetime,
                any_key=any_key,
                any_endpoint=any_endpoint,
                any_dataset=any_dataset,
                chunk_delay=chunk_delay,
                faults=given,
                seed=seed,
                state=state,
                upstream=upstream,
                upstream_key=upstream_key,
                upstream_model=parsed(upstream_model or []),
                upstream_timeout=upstream_timeout,
                record=record,
                replay=replay,
                replay_pace=replay_pace,
            )
            datasets = [running.add_dataset(file) for file in dataset or []]
            for file in script or []:
                running.script.load(file)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
        if upstream is not None and upstream.partition("+")[0] == PLATFORM and not upstream_key:
            say("调用会原样转给千帆平台：请用自己在该平台的密钥，不要用下面打印的。", style="yellow")
        others = {
            "管理令牌 (admin token)": None if admin_token else running.admin_token,
            "上游 (upstream)": upstream,
            "录制到 (recording to)": record,
            "回放 (replaying)": replay,
        }
        running.run(ready=lambda: _greet(host, running, datasets, others))
        say("已停止。", style="dim")


def _greet(host: str, running: Platform, datasets: list[Dataset], others: Mapping[str, object]) -> None:
    """Say who can reach the platform, what to set and what to paste."""
    if running.admin_token is not None:
        say(f"注意：监听 {host}，其他机器可以访问本地平台。", style="yellow")
    url, key = running.url, running.api_key
    token = (
        f"TOKEN=$(curl -s -X POST '{url}/oauth/2.0/token?grant_type=client_credentials&client_id={running.ak}"
        f"&client_secret={running.sk}' | "
        "python3 -c 'import json,sys; print(json.load(sys.stdin)[\"access_token\"])')"
    )
    question = {"messages": [{"role": "user", "content": "你好"}]}
    on_v1 = _curl(f"'{url}{_V1}/chat/eb-instant?access_token='$TOKEN", question)
    on_v2 = _curl(
        f"'{url}/v2/chat/completions' -H 'Authorization: Bearer {key}'", {"model": _V2_MODEL, **question}
    )
    lines = [
        f"本地平台已启动 (the local platform runs): {url}",
        f"控制台页面 (console page, in a browser): {url}/",
        "",
        *(f"数据集 (dataset) {it.name}: id {it.id}, {it.count} 条" for it in datasets),
        *([f"剧本 (script): {len(running.script)} 条规则"] if running.script else []),
        *(
            [f"故障 (faults): {len(running.faults)} 个，随机种子 {running.faults.seed}"]
            if running.faults
            else []
        ),
        *(f"{what}: {where}" for what, where in others.items() if where),
        *([""] if datasets or running.script or running.faults or any(others.values()) else []),
        "在另一个终端中设置 (set in another terminal):",
        *(f"  export {name}={value}" for name, value in running.environment.items()),
        "然后 (then):",
        "  qianfan chat '你好'",
        "或 (or):",
        f"  {token}",
        f"  {on_v1}",
        "v2 与其他 OpenAI 协议的客户端 (v2, and other clients of OpenAI's protocol):",
        f"  export OPENAI_BASE_URL={url}/v2",
        f"  export OPENAI_API_KEY={key}",
        f"  {on_v2}",
        "",
        "按 Ctrl-C 结束 (Ctrl-C to stop)",
    ]
    typer.echo("\n".join(lines))


def _curl(where: str, body: dict[str, Any]) -> str:
    """Return the command that sends a body to an address, which is given as a shell reads it."""
    return f"curl -s {where} -H 'Content-Type: application/json' -d '{json.dumps(body, ensure_ascii=False)}'"
