"""`--dry-run`: every line checked, tokens and time estimated; nothing is sent, and no key needed."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from qianfan.bulk.job import KINDS, job
from qianfan.cli.batch.words import duration, yuan
from qianfan.cli.ending import say
from qianfan.cli.tables import print_blocks, show_json
from qianfan.config import get_config
from qianfan.core.tokens import expected
from qianfan.errors import InvalidArgumentError
from qianfan.resources.chat import Chat
from qianfan.resources.completion import Completions
from qianfan.resources.embedding import Embeddings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from qianfan.cli.batch.options import Options
    from qianfan.cli.batch.planning import Questions
    from qianfan.cli.batch.tally import Prices
    from qianfan.cli.tables import Row
    from qianfan.client import Qianfan
    from qianfan.core.call import Call

_SHOWN = 20  # bad lines

_RESOURCES: dict[str, Callable[[Qianfan], Any]] = {
    "chat": Chat,
    "completion": Completions,
    "embedding": Embeddings,
}


class Bad(NamedTuple):
    """A line that cannot be asked."""

    line: int
    why: str


class Checked:
    """What all lines ask, as far as they were looked at.

    Attributes:
        rows: Lines that were looked at.
        bad: Those that cannot be asked.
        requests: What the others send.
        prompt_tokens: What it is thought to hold.
        most: The most that it may use, with the answers.
        models: Lines by model.
        first: What the first of them asks.
    """

    def __init__(self) -> None:
        self.rows = 0
        self.bad = 0
        self.requests = 0
        self.prompt_tokens = 0
        self.most = 0
        self.models: Counter[str] = Counter()
        self.first: Any = None

    def lines(self, asked: Questions) -> Iterator[Bad]:
        """Look at every line; give those that cannot be asked."""
        kind = asked.asking.kind
        make = job(kind, None, None, asked.asking, None, asked.parameters).arguments
        unsent = _Unsent()
        do = _RESOURCES[kind](cast("Qianfan", unsent)).do
        with closing(_Ids()) as ids:
            for row in asked.rows():
                self.rows += 1
                try:
                    arguments = make(row)
                    do(**arguments)
                    if asked.ids is not None:
                        ids.claim(asked.ids(row), row.number)
                except InvalidArgumentError as error:
                    self.bad += 1
                    yield Bad(row.number, str(error))
                else:
                    self._count(unsent.calls)
                    self.first = self.first or arguments[KINDS[kind].word]

    def _count(self, calls: Sequence[Call]) -> None:
        self.requests += len(calls)
        self.models[calls[0].endpoint or calls[0].model or ""] += 1
        for call in calls:
            self.most += expected(call)
            self.prompt_tokens += expected(call._replace(kind="embedding"))  # which writes no answer


class _Unsent:
    """Stands in for a client: what its resources check is checked, and what they send is kept."""

    def __init__(self) -> None:
        self.calls: Sequence[Call] = ()

    def perform(self, call: Call, *_: object) -> None:
        self.calls = (call,)

    ask = perform

    def ask_all(self, calls: Sequence[Call], *_: object) -> None:
        self.calls = calls


class _Ids:
    """The ids so far, in a database that leaves the memory when it grows."""

    def __init__(self) -> None:
        self._known = sqlite3.connect("")
        self._known.execute("CREATE TABLE ids (id PRIMARY KEY, line) WITHOUT ROWID")

    def claim(self, id_: int | str, line: int) -> None:
        """Take an id, or raise `InvalidArgumentError` where another line has it."""
        try:
            self._known.execute("INSERT INTO ids VALUES (?, ?)", (repr(id_), line))
        except sqlite3.IntegrityError:
            ((first,),) = self._known.execute("SELECT line FROM ids WHERE id = ?", (repr(id_),))
            raise InvalidArgumentError(f"id {id_!r} 与第 {first} 行重复 (line {first} has it too)") from None

    def close(self) -> None:
        self._known.close()


def dry_run(asked: Questions, options: Options, prices: Prices) -> bool:
    """Check every line and print what the run would be; say whether all lines can be asked."""
    checked = Checked()
    shown: list[Bad] = []
    for bad in checked.lines(asked):
        if len(shown) < _SHOWN:
            shown.append(bad)
            if not options.as_json:
                say(f"第 {bad.line} 行 (line {bad.line}): {bad.why}")
    report: dict[str, Any] = {
        "rows": checked.rows,
        "bad": checked.bad,
        "bad_lines": [bad._asdict() for bad in shown],
        "requests": checked.requests,
        "models": dict(checked.models),
        "prompt_tokens": checked.prompt_tokens,
        "most_completion_tokens": checked.most - checked.prompt_tokens,
        "cost": _costs(checked, prices),
        "seconds": _seconds(checked, options),
        "first": checked.first,
    }
    if options.as_json:
        show_json(report)
    else:
        if checked.bad > len(shown):
            say(f"……共 {checked.bad} 行不合格 (bad lines in all)")
        print_blocks([_fields(report)])
    return not checked.bad


def _fields(report: Mapping[str, Any]) -> Row:
    """Return a report for people."""
    cost, seconds = report["cost"], report["seconds"]
    prompt, answers = report["prompt_tokens"], report["most_completion_tokens"]
    return {
        "行": f"{report['rows']:,}，不合格 {report['bad']:,}",
        "请求": f"{report['requests']:,}",
        "模型": [f"{name or '默认'} {count:,} 行" for name, count in report["models"].items()],
        "token": f"输入约 {prompt:,}，回答至多约 {answers:,}（估计）",
        "费用": cost and f"约 {yuan(cost[0])}至 {yuan(cost[1])}（按给出的单价）",
        "时间": f"至少约 {duration(seconds)}（按限速）" if seconds else "没有给出限速，取决于平台",
        "第一行": _first(report["first"]),
    }


def _costs(checked: Checked, prices: Prices) -> list[float] | None:
    """Return what a run costs without answers, and with the longest; None where no price is known."""
    answers = checked.most - checked.prompt_tokens
    costs = [prices.cost(checked.prompt_tokens, tokens) for tokens in (0, answers)]
    return [cost for cost in costs if cost is not None] or None


def refuse_bad(asked: Questions) -> None:
    """Raise `InvalidArgumentError` where a line cannot be asked."""
    for bad in Checked().lines(asked):
        raise InvalidArgumentError(
            f"第 {bad.line} 行 (line {bad.line}): {bad.why}",
            hint="什么也没有发送；--dry-run 列出所有不合格的行",
        )


def _seconds(checked: Checked, options: Options) -> float | None:
    """Return the seconds that the limits make of a run; None where there are none."""
    config = get_config()
    limits = (
        (checked.requests, options.qps or config.QPS_LIMIT, 1),
        (checked.requests, options.rpm or config.RPM_LIMIT, 60),
        (checked.prompt_tokens, options.tpm or config.TPM_LIMIT, 60),
    )
    return max((amount / float(limit) * unit for amount, limit, unit in limits if limit), default=None)


def _first(asked: Any) -> str:
    """Return the beginning of what is asked."""
    if isinstance(asked, list) and asked:
        asked = asked[-1].get("content") if isinstance(asked[-1], dict) else asked[0]
    text = " ".join(str(asked or "").split())
    return text if len(text) <= 100 else f"{text[:100]}……"
