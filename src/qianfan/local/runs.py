"""One run of the user's code, in a thread of its own."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class Run:
    """A run, which begins at once.

    Args:
        test: A function, or a coroutine function, which gets an event loop of its own.

    Attributes:
        value: What it returned; None before its end, and where it raised.
        error: What it raised, or None.
    """

    def __init__(self, test: Callable[[], Any]) -> None:
        self.value: Any = None
        self.error: BaseException | None = None
        self._test = test
        self._task: asyncio.Task[Any] | None = None
        work = contextvars.copy_context().run
        # A daemon: a program must be able to end although this hangs.
        self._thread = threading.Thread(target=work, args=(self._run,), name="qianfan-sweep", daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Wait for so many seconds for the end of the run; return whether it has ended."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def cancel(self) -> None:
        """Cancel the run if it is a coroutine's; nothing can end a function but what it calls."""
        task = self._task
        if task is not None and not task.get_loop().is_closed():
            task.get_loop().call_soon_threadsafe(task.cancel)

    def _run(self) -> None:
        try:
            value = self._test()
            self.value = asyncio.run(self._awaited(value)) if inspect.isawaitable(value) else value
        except BaseException as error:  # noqa: BLE001  # whatever it is, whoever waits is told
            self.error = error

    async def _awaited(self, value: Awaitable[Any]) -> Any:
        self._task = asyncio.current_task()
        return await value
