"""The four ways of calling, in one form: what a test says once holds in all of them."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from qianfan import Response
    from support.server import Server

MESSAGES = [{"role": "user", "content": "你好"}]

#: The Secret Key of every client here: a text that must appear nowhere.
SK = "sk-5up3r53cr3t"

#: The API key of every client of v2 here: another such text.
KEY = "bce-v3/ALTAK-5up3r/53cr3t53cr3t53cr3t53cr3t53cr3t53cr3t5"

#: The four ways: sync or async, the reply whole or in events.
WAYS = ("sync", "async", "sync-stream", "async-stream")

#: For tests of streams: the two ways that have them.
streams = pytest.mark.parametrize("world", ["sync-stream", "async-stream"], indirect=True)

#: For long tables: both worlds and both kinds of reply, in two ways instead of four.
crosswise = pytest.mark.parametrize("world", ["sync", "async-stream"], indirect=True)

#: For tests of whole replies: the two ways that have them.
unary = pytest.mark.parametrize("world", ["sync", "async"], indirect=True)


@dataclass
class Outcome:
    """How a call ended.

    Attributes:
        events: The increments of a stream, in order; "" for an event that holds none.
        reply: The whole reply, of a stream the sum of its events; None where the call failed.
        error: What the call raised, or None.
    """

    events: list[str] = field(default_factory=list)
    reply: Response | None = None
    error: BaseException | None = None

    @property
    def text(self) -> str:
        """The answer; what the call raised is raised here."""
        if self.error is not None:
            raise self.error
        assert self.reply is not None
        return str(self.reply["result"])


class World:
    """One way of calling. An async one has a loop of its own, which is closed as `asyncio.run` does."""

    def __init__(self, way: str) -> None:
        self.way = way
        self.streams = way.endswith("stream")
        self.is_async = way.startswith("async")
        self.loop = asyncio.new_event_loop() if self.is_async else None

    def ask(self, chat: Any, messages: Any = MESSAGES, /, **options: Any) -> Outcome:
        """Make a call, read it to its end, and return how it ended.

        Args:
            chat: The resource to call; of another kind than chat, it gets its own first argument.
            messages: The first argument of the call.
            **options: The others.
        """
        if self.is_async:
            return self.run(self._aask(chat, messages, options))
        outcome = Outcome()
        try:
            if self.streams:
                stream = chat.do(messages, stream=True, **options)
                for event in stream:
                    outcome.events.append(event.get("result", ""))
                outcome.reply = stream.so_far()
            else:
                outcome.reply = chat.do(messages, **options)
        except Exception as error:  # noqa: BLE001  # the test says which
            outcome.error = error
        return outcome

    async def _aask(self, chat: Any, messages: Any, options: dict[str, Any]) -> Outcome:
        outcome = Outcome()
        try:
            if self.streams:
                stream = await chat.ado(messages, stream=True, **options)
                async for event in stream:
                    outcome.events.append(event.get("result", ""))
                outcome.reply = stream.so_far()
            else:
                outcome.reply = await chat.ado(messages, **options)
        except Exception as error:  # noqa: BLE001  # the test says which
            outcome.error = error
        return outcome

    def ask_all(self, chats: Sequence[Any], **options: Any) -> list[Outcome]:
        """Make calls that all start at once, one on each object."""
        if self.is_async:

            async def all_at_once() -> list[Outcome]:
                return await asyncio.gather(*(self._aask(chat, MESSAGES, options) for chat in chats))

            return self.run(all_at_once())
        start = threading.Barrier(len(chats))
        outcomes: list[Outcome | None] = [None] * len(chats)

        def ask(index: int, chat: Any) -> None:
            start.wait()
            outcomes[index] = self.ask(chat, **options)

        threads = [threading.Thread(target=ask, args=pair) for pair in enumerate(chats)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return [outcome for outcome in outcomes if outcome is not None]

    def open(self, chat: Any, messages: Any = MESSAGES, **options: Any) -> Opened:
        """Open a stream, to be read step by step."""
        if self.is_async:
            return Opened(self, self.run(chat.ado(messages, stream=True, **options)))
        return Opened(self, chat.do(messages, stream=True, **options))

    def call(self, resource: Any, method: str, *arguments: Any, **options: Any) -> Any:
        """Call a method by its name in this world: `x`, or `ax` in the loop."""
        if self.is_async:
            return self.run(getattr(resource, f"a{method}")(*arguments, **options))
        return getattr(resource, method)(*arguments, **options)

    def run(self, awaitable: Awaitable[Any]) -> Any:
        """Run something in this world's loop."""
        assert self.loop is not None

        async def wrapped() -> Any:
            return await awaitable

        return self.loop.run_until_complete(wrapped())

    def wait(self, server: Server, condition: Callable[[Server], bool]) -> None:
        """Wait until something is true of the server, while this world's loop goes on."""
        if self.is_async:
            self.run(asyncio.to_thread(server.wait, condition))
        else:
            server.wait(condition)

    def wait_idle(self, server: Server) -> None:
        """Wait until the server's last connection is closed, while this world's loop goes on."""
        self.wait(server, lambda server: not server.open_connections)

    def close_client(self, client: Any) -> None:
        """Close a client the way this world does."""
        if self.is_async:
            self.run(client.aclose())
        else:
            client.close()

    def close(self) -> None:
        """Close the loop, as `asyncio.run` does."""
        if self.loop is not None:
            assert not asyncio.all_tasks(self.loop), "a call left a task behind"
            self.loop.run_until_complete(self.loop.shutdown_asyncgens())
            self.loop.run_until_complete(self.loop.shutdown_default_executor())
            self.loop.close()


class Opened:
    """An open stream of either world."""

    def __init__(self, world: World, stream: Any) -> None:
        self._world = world
        self._stream = stream

    @property
    def stream(self) -> Any:
        """The stream itself."""
        return self._stream

    def event(self) -> Response:
        """Return the next event; StopIteration at the end."""
        if not self._world.is_async:
            return next(self._stream)
        try:
            return self._world.run(self._stream.__anext__())
        except StopAsyncIteration:
            raise StopIteration from None

    def next(self) -> str:
        """Return the next increment; StopIteration at the end."""
        return str(self.event()["result"])

    def rest(self) -> list[str]:
        """Return all increments that follow."""
        if not self._world.is_async:
            return [item["result"] for item in self._stream]

        async def read() -> list[str]:
            return [item["result"] async for item in self._stream]

        return list(self._world.run(read()))

    def all(self) -> list[Response]:
        """Return all events that follow."""
        if not self._world.is_async:
            return list(self._stream)

        async def read() -> list[Response]:
            return [item async for item in self._stream]

        return list(self._world.run(read()))

    def collect(self) -> Response:
        """Return the whole reply."""
        return self._world.run(self._stream.acollect()) if self._world.is_async else self._stream.collect()

    def close(self) -> None:
        """Close the stream."""
        self._world.run(self._stream.aclose()) if self._world.is_async else self._stream.close()

    def use_and_leave(self) -> str:
        """Read one increment in a `with` block and leave it."""
        if not self._world.is_async:
            with self._stream as stream:
                return str(next(stream)["result"])

        async def use() -> str:
            async with self._stream as stream:
                return str((await stream.__anext__())["result"])

        return str(self._world.run(use()))

    def break_off(self) -> None:
        """Leave a loop over the stream after its first event, and forget the stream."""

        async def leave() -> None:
            async for _ in self._stream:
                break

        if self._world.is_async:
            self._world.run(leave())
        else:
            for _ in self._stream:
                break
        self._stream = None
