"""What of a stream has come so far: the part of a stream that is the same in both worlds."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from qianfan.core.flow import incomplete

if TYPE_CHECKING:
    from qianfan.core.effects import Emit
    from qianfan.response import Response, Summed


class Progress:
    """The events that wait to be read, and the sum of all that came."""

    def __init__(self) -> None:
        self._ready: deque[Response] = deque()
        self._sum: Summed | None = None
        self._closed = False

    #: Whether the end mark has come; until then the reply is a part.
    whole = False

    def so_far(self) -> Response:
        """Return what has arrived, as one reply."""
        assert self._sum is not None, "a stream has its first event when it is made"
        return self._sum.reply()

    def _take(self, emitted: Emit | None) -> None:
        """Take in what the flow emitted; None where it has returned."""
        if emitted is not None:
            self._sum = emitted.sum
            self._ready.extend(emitted.items)
            self.whole = emitted.ended

    def _collected(self) -> Response:
        """Return the whole reply, or raise what says that it is none."""
        if not self.whole:
            raise incomplete("the stream was ended before its end mark", self.so_far())
        return self.so_far()
