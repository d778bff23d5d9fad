"""The calls that a client makes, and the clock by their replies."""

from __future__ import annotations

from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from qianfan.core.call import Call
from qianfan.credentials import AccessCode, IamKey, NoCredential
from qianfan.doctor.findings import Finding, State, failed
from qianfan.errors import QianfanError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping

    from qianfan.client import Qianfan
    from qianfan.doctor.network import Ways
    from qianfan.response import Response
    from qianfan.settings import Settings

_QUESTION = "你好"


class Calls:
    """The calls that a client makes, each after a look at the way to its host.

    Args:
        client: The client; its calls take no longer than a step may.
        own: Its settings.
        ways: The ways to hosts.
    """

    def __init__(self, client: Qianfan, own: Settings, ways: Ways) -> None:
        self._client = client
        self._own = own
        self._ways = ways

    def made(self, *, chat: bool, model: str | None) -> Iterator[Finding]:
        """Make the calls, and tell what comes of them."""
        own, key = self._own, self._own.console.key
        exchanged = own.version == 2 and isinstance(own.credential, IamKey)
        urls = [own.v2_url if own.version == 2 else own.base_url, *([own.iam_url] if exchanged else [])]
        reached = own.local or (yield from self._ways.reach(own.network, urls))
        served = reached and (yield from self._api())
        refused = reached and not served and isinstance(own.credential, IamKey)  # so is what it signs
        if key.access_key and key.secret_key and not refused:
            urls = [own.console.base_url]
            if own.local or (yield from self._ways.reach(own.console.network, urls)):
                yield self._made("console", self._signed)[0]
        if chat and reached:
            yield self._made("chat", lambda: self._asked(model))[0]

    def _api(self) -> Generator[Finding, None, bool]:
        """Make a call that writes nothing, and tell the clock by its reply; return whether it was served."""
        own = self._own
        if own.version == 1 and isinstance(own.credential, AccessCode | NoCredential):
            says = (
                "没有不花 token 的调用可试；用 --chat 提问 (nothing to try without tokens: ask with --chat)"
            )
            yield Finding("call", State.NOTE, says)
            return True
        finding, headers = self._made("call", self._listed if own.version == 2 else self._counted)
        if not own.local:
            yield from _clock(headers.get("Date") or "", own)
        yield finding
        return finding.state is State.GOOD

    def _made(
        self, about: str, call: Callable[[], tuple[str, Response]]
    ) -> tuple[Finding, Mapping[str, str]]:
        """Make a call; return what to say of it, and the headers of its reply."""
        try:
            says, reply = call()
        except QianfanError as error:
            return failed(about, error), error.headers
        except ImportError as error:  # the local platform needs an extra
            return failed(about, error), {}
        return Finding(about, State.GOOD, says), reply.headers

    def _listed(self) -> tuple[str, Response]:
        reply = self._client.models.list()
        return f"列出了 {len(reply)} 个模型 (models listed)", reply

    def _counted(self) -> tuple[str, Response]:
        reply = self._client.ask(Call("tokenizer", None, None, {"prompt": _QUESTION}))
        return f"数出“{_QUESTION}”有 {reply.usage.total_tokens} 个 token (tokens counted)", reply

    def _signed(self) -> tuple[str, Response]:
        reply = self._client.service.list()
        return "签名被接受 (the signature is accepted)", reply

    def _asked(self, model: str | None) -> tuple[str, Response]:
        messages = [{"role": "user", "content": _QUESTION}]
        reply = self._client.chat.do(messages, model, max_output_tokens=16)
        text = str(reply.get("result") or reply.get("reasoning_content") or "")
        return f"{text[:40]!r}（{reply.usage.total_tokens} token）", reply


def _clock(date: str, own: Settings) -> Iterator[Finding]:
    """Tell how far this machine's clock is from the service's, where a reply says the time."""
    try:
        theirs = parsedate_to_datetime(date)
    except (ValueError, OverflowError):
        return
    theirs = theirs if theirs.tzinfo else theirs.replace(tzinfo=timezone.utc)
    behind = (theirs - datetime.now(timezone.utc)).total_seconds()
    validity = own.console.expiration
    if abs(behind) < min(60, validity):
        yield Finding("clock", State.GOOD, f"与服务相差 {abs(behind):.0f} 秒 (s apart from the service)")
        return
    signs = isinstance(own.credential, IamKey) or own.console.key.access_key
    yield Finding(
        "clock",
        State.BAD if signs and abs(behind) >= validity else State.NOTE,
        f"比服务{'慢' if behind > 0 else '快'} {abs(behind):.0f} 秒 "
        f"(s {'behind' if behind > 0 else 'ahead of'} the service)",
        f"请校准时钟；签名只在 {validity} 秒内有效 (set the clock: a signature is valid for {validity} s)",
    )
