"""Texts to embed, several to a request: a request is what the service counts, and it takes 16 of them."""

from __future__ import annotations

import asyncio
import copy
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from qianfan.errors import BadRequestError, InvalidArgumentError, QianfanError, RequestError
from qianfan.resources.embedding import most_texts
from qianfan.response import Response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    Ask = Callable[[dict[str, Any]], Awaitable[Response]]
    _Wanted = tuple[str, asyncio.Future[Response]]


#: Seconds that a text waits for others: those whose replies came at the same time go out together again.
_PATIENCE = 0.01


class Packing:
    """Asks for texts that are wanted at the same moment, with the same parameters, in one request.

    Args:
        ask: What carries a call out.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._packs: list[_Pack] = []  # those that still take texts
        self._tasks: set[asyncio.Task[None]] = set()

    async def ask(self, arguments: dict[str, Any]) -> Response:
        """Return the reply to a call for one text as if it had been asked for alone; other calls go as they are."""
        texts = arguments.get("texts")
        if not (isinstance(texts, (list, tuple)) and len(texts) == 1 and isinstance(texts[0], str)):
            return await self._ask(arguments)
        shared = {name: value for name, value in arguments.items() if name != "texts"}
        pack = next((pack for pack in self._packs if pack.shared == shared), None)
        if pack is None:
            pack = _Pack(shared)
            self._packs.append(pack)
            asyncio.get_running_loop().call_later(_PATIENCE, self._send, pack)
        future: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        pack.wanted.append((texts[0], future))
        if len(pack.wanted) == pack.most:
            self._send(pack)
        return await future

    async def aclose(self) -> None:
        """Give up what is on its way."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _send(self, pack: _Pack) -> None:
        if pack in self._packs:
            self._packs.remove(pack)
            task = asyncio.ensure_future(self._carry_out(pack.shared, pack.wanted))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _carry_out(self, shared: dict[str, Any], wanted: Sequence[_Wanted]) -> None:
        wanted = [(text, future) for text, future in wanted if not future.done()]
        texts = [text for text, _ in wanted]
        if not texts:  # all were given up
            return
        try:
            replies = parts(await self._ask({**shared, "texts": texts}), texts)
        except (BadRequestError, InvalidArgumentError) as error:
            if len(wanted) > 1:  # one of them is to blame, and no other should pay for it
                await asyncio.gather(*(self._carry_out(shared, [one]) for one in wanted))
            else:
                _end(wanted, error)
        except BaseException as error:  # noqa: BLE001  # whose call it is raises it
            _end(wanted, error)
        else:
            for (_, future), reply in zip(wanted, replies, strict=True):
                if not future.done():
                    future.set_result(reply)


class _Pack:
    """Texts of one request."""

    def __init__(self, shared: dict[str, Any]) -> None:
        self.shared = shared
        self.most = most_texts(shared.get("model"), shared.get("endpoint"))
        self.wanted: list[_Wanted] = []


def _end(wanted: Sequence[_Wanted], error: BaseException) -> None:
    """Let all who wait have the error, each one of its own: a traceback is added to each."""
    for _, future in wanted:
        if not future.done():
            if isinstance(error, asyncio.CancelledError):
                future.cancel()
            else:
                future.set_exception(copy.copy(error) if isinstance(error, QianfanError) else error)


def parts(reply: Response, texts: Sequence[str]) -> list[Response]:
    """Return a reply to several texts as one to each; of the usage, each has a part by its length, the sum is exact."""
    try:
        data = {item["index"]: item for item in reply.body["data"]}
        ordered = [data[index] for index in range(len(texts))]
    except (KeyError, TypeError):
        raise RequestError(
            f"the reply to {len(texts)} texts does not hold a vector for each", status=reply.code
        ) from None
    usage, lengths = reply.body.get("usage") or {}, [len(text) for text in texts]
    shares = {name: _shares(number, lengths) for name, number in usage.items() if isinstance(number, int)}
    return [
        Response(
            reply.code,
            reply.headers,
            {
                **reply.body,
                "data": [{**ordered[index], "index": 0}],
                "usage": {**usage, **{name: share[index] for name, share in shares.items()}},
            },
        )
        for index in range(len(texts))
    ]


def _shares(number: int, lengths: Sequence[int]) -> list[int]:
    """Return whole parts of a number, in the proportion of lengths."""
    whole, ends, sofar = sum(lengths), [0], 0
    for length in lengths:
        sofar += length
        ends.append(number * sofar // whole)
    return [after - before for before, after in pairwise(ends)]
