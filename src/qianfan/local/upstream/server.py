"""A server that has the words: any that speaks OpenAI's protocol, asked for chat and embeddings."""

from __future__ import annotations

from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING

import orjson

from qianfan.local import sse
from qianfan.local.upstream import failures
from qianfan.local.upstream.http import INTERNAL, address, sent
from qianfan.local.wire import Refusal, as_object, parse

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from qianfan.local.upstream.http import Received
    from qianfan.local.upstream.names import Names
    from qianfan.local.wire import Json

CHAT, EMBEDDINGS = "/chat/completions", "/embeddings"

_OK = 200


class Upstream:
    """A server that speaks OpenAI's protocol.

    Args:
        url: Its base URL, up to and with `/v1`.
        key: Its key, if it asks for one.
        names: What it calls the models.
        timeout: Seconds it may be silent.
        via: What the platform goes by on the way there.

    Raises:
        ValueError: The URL is no address of HTTP, or has a login in it.
    """

    def __init__(self, url: str, key: str | None, names: Names, timeout: float, via: str) -> None:
        self._url = address(url)
        self._key = key
        self.names = names
        self._timeout = timeout
        self._via = via

    async def ask(self, path: str, body: Json) -> Json:
        """Return the answer to a request.

        Raises:
            Refusal: The server refuses, cannot be reached, or answers no JSON object.
        """
        async with self._sent(path, body) as received:
            answer = as_object(parse(await received.read()))
        if answer is None:
            raise Refusal(INTERNAL, "the upstream's answer is no JSON object")
        if answer.get("error"):
            raise self.refusal(answer)
        return answer

    async def stream(self, path: str, body: Json) -> AsyncGenerator[str, None]:
        """Give what each event of an answer says, as it comes; of one that is no stream, all at once.

        Raises:
            Refusal: The server refuses, cannot be reached, or breaks off.
        """
        async with self._sent(path, body) as received:
            if not received.is_stream:
                yield (await received.read()).decode("utf-8", "replace")
                return
            async with aclosing(sse.cut(received.chunks())) as events:
                async for event in events:
                    said = sse.data(event)
                    if said is not None:
                        yield said

    def refusal(self, answer: Json) -> Refusal:
        """Return the platform's own error for one that the server tells within an answer."""
        return failures.refusal(_OK, orjson.dumps(answer), self._secrets)

    @asynccontextmanager
    async def _sent(self, path: str, body: Json) -> AsyncIterator[Received]:
        headers = {"Content-Type": "application/json", "Via": f"1.1 {self._via}"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        request = sent(
            "POST", self._url + path, headers=headers, body=orjson.dumps(body), timeout=self._timeout
        )
        async with request as received:
            if received.status != _OK:
                refusal = failures.refusal(received.status, await received.read(), self._secrets)
                if "Retry-After" in received.headers:
                    refusal.headers["Retry-After"] = received.headers["Retry-After"]
                raise refusal
            yield received

    @property
    def _secrets(self) -> list[str]:
        return [self._key] if self._key else []
