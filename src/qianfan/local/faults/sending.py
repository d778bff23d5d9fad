"""Sending an answer with what befalls it on its way: bytes on the connection, without the server's help.

Such a connection ends with its answer, so that the server need not know what was sent.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qianfan.local.faults.answers import phrase
from qianfan.local.faults.effects import Cut, Delay, Garbage, Reset, SlowHeaders, Split, Stall

if TYPE_CHECKING:
    from collections.abc import Callable

    from qianfan.local.clock import Clock
    from qianfan.local.faults.fault import Fault

_JUNK = b"\x00\xff\xfe no JSON \xe4\xbd {]"
_JUNK_EVENT = b'\xff\xfe no event\n\ndata: {"result": \xe4\xbd\n\n'

_MOST_BITS = 20  # in which slow headers come


@dataclass(frozen=True)
class Parcel:
    """An answer as bytes.

    Attributes:
        status: The HTTP status.
        headers: The headers, without those that say where the body ends.
        pieces: The events of a stream, or a whole body in two halves.
        is_stream: Which of the two it is.
        chunked: Whether a stream comes in chunks; else it ends with the connection.
        pause: The seconds between the events.
    """

    status: int
    headers: list[tuple[bytes, bytes]]
    pieces: list[bytes]
    is_stream: bool
    chunked: bool = True
    pause: float = 0.0

    def head(self, length: int) -> bytes:
        """Return status line and headers, for a whole body of so many bytes."""
        if not self.is_stream:
            framing = b"content-length: %d" % length
        else:
            framing = b"transfer-encoding: chunked" if self.chunked else b""
        lines = [
            f"HTTP/1.1 {self.status} {phrase(self.status)}".encode(),
            *(b"%b: %b" % header for header in self.headers),
            *filter(None, [framing]),
            b"connection: close",
        ]
        return b"\r\n".join([*lines, b"", b""])

    @property
    def end(self) -> bytes:
        """What tells that the body is whole."""
        return b"0\r\n\r\n" if self.is_stream and self.chunked else b""

    def framed(self, data: bytes) -> bytes:
        """Return bytes of the body as they go to the wire."""
        return b"%x\r\n%b\r\n" % (len(data), data) if self.is_stream and self.chunked else data


class Line:
    """The connection of one call.

    Args:
        transport: asyncio's side of it.
        gone: Done once the caller, or the server, has broken it off.
        clock: What its waits are measured on.
        ready: When the first of them begins; each of the others begins as the one before it ends, however
            late it is then: who advances the clock need not know which of them is on.
    """

    def __init__(self, transport: Any, gone: asyncio.Future[Any], clock: Clock, ready: float) -> None:
        self._transport = transport
        self._gone = gone
        self._clock = clock
        self._due = ready

    @property
    def is_open(self) -> bool:
        """Whether the caller is still there."""
        return not self._gone.done()

    async def rest(self, seconds: float | None) -> None:
        """Be silent for so many seconds, or until the caller goes."""
        if seconds is None:
            await asyncio.wait([self._gone])
        else:
            self._due += seconds
            await self._clock.wait_until(self._due, unless=self._gone)

    async def write(self, data: bytes) -> None:
        """Send bytes in a packet of their own; nothing happens where nobody is there to get them."""
        if not self._transport.is_closing():
            self._transport.write(data)
            await asyncio.sleep(0)

    async def close(self) -> None:
        """Close the connection when what was written is sent."""
        self._transport.close()
        await asyncio.wait([self._gone])

    async def reset(self) -> None:
        """Break the connection."""
        # To close with a lingering time of zero is what sends a reset; Windows has a shorter structure.
        linger = struct.pack("ii" if os.name == "posix" else "hh", 1, 0)
        self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._transport.abort()
        await asyncio.wait([self._gone])


async def befall(line: Line, fault: Fault, parcel: Parcel, sent: Callable[[int], None]) -> bool:
    """Let an answer suffer a fault; return whether it is still to be sent, as every other.

    Args:
        line: The connection.
        fault: The fault.
        parcel: The answer.
        sent: Told of each of its pieces that was sent, by its index.
    """
    delay = fault.get(Delay)
    await line.rest(delay.seconds if delay else 0)
    if not line.is_open:
        return False
    if fault.get(Reset):
        await line.reset()
        return False
    if fault.spoils:
        await _send(line, fault, parcel, sent)
    return not fault.spoils


async def _send(line: Line, fault: Fault, parcel: Parcel, sent: Callable[[int], None]) -> None:
    pieces, is_broken = _arriving(parcel, fault)
    length = sum(map(len, parcel.pieces if is_broken else pieces))
    await _send_head(line, parcel.head(length), fault.get(SlowHeaders))
    stall, split = fault.get(Stall), fault.get(Split)
    for index in range(len(pieces) + 1):
        if stall and index == min(stall.after, len(parcel.pieces) - 1):
            await line.rest(stall.seconds)
        if index == len(pieces) or not line.is_open:
            break
        if index and parcel.is_stream:
            await line.rest(parcel.pause)
        piece = pieces[index]
        size = split.size if split else len(piece) or 1
        for start in range(0, len(piece), size):
            await line.write(parcel.framed(piece[start : start + size]))
        if piece is parcel.pieces[index]:
            sent(index)
    if not is_broken:
        await line.write(parcel.end)
    await line.close()


def _arriving(parcel: Parcel, fault: Fault) -> tuple[list[bytes], bool]:
    """Return what of an answer arrives, and whether HTTP breaks off then."""
    end = fault.get(Cut) or fault.get(Garbage)
    if end is None:
        return parcel.pieces, False
    kept = parcel.pieces[: min(end.after, len(parcel.pieces) - 1)]
    if isinstance(end, Cut):
        return kept, not end.clean
    return [*kept, _JUNK_EVENT if parcel.is_stream else _JUNK], False


async def _send_head(line: Line, head: bytes, slow: SlowHeaders | None) -> None:
    if slow is None:
        await line.write(head)
        return
    size = -(-len(head) // _MOST_BITS)
    bits = [head[start : start + size] for start in range(0, len(head), size)]
    for bit in bits:
        await line.rest(slow.seconds / len(bits))
        await line.write(bit)
