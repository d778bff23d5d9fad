"""Server-sent events from bytes, however they are cut.

Follows the WHATWG event stream format, and the platform's two departures from it: a bare JSON line
without a field name is an event of its own (that is how v1 reports an error in mid-stream), and a
last event without its empty line still counts.
"""

from __future__ import annotations

from typing import NamedTuple

_BOM = b"\xef\xbb\xbf"


class Event(NamedTuple):
    """One event: its name (`event:`), or None, and its data."""

    name: str | None
    data: bytes


_new_event = tuple.__new__  # half the time of calling the class


class EventDecoder:
    """Turns chunks of bytes into events, in time linear in the bytes.

    Feed what arrives, then call `close` once at the end of the body.
    """

    __slots__ = ("_after_cr", "_data", "_name", "_started", "_tail")

    def __init__(self) -> None:
        self._tail: list[bytes] = []  # the unfinished line, in the pieces it came in
        self._data: list[bytes] = []
        self._name: str | None = None
        self._after_cr = False
        self._started = False

    def feed(self, chunk: bytes) -> list[Event]:
        """Return the events that this chunk completes."""
        if not self._started:
            chunk = self._skip_mark(chunk)
        if self._after_cr or b"\r" in chunk:
            chunk = self._plain_newlines(chunk)
        head, newline, rest = chunk.partition(b"\n")
        if not newline:
            if chunk:
                self._tail.append(chunk)
            return []
        if self._tail:
            self._tail.append(head)
            head = b"".join(self._tail)
            self._tail.clear()
        lines = rest.split(b"\n")
        last = lines.pop()
        if last:
            self._tail.append(last)
        events: list[Event] = []
        self._line(head, events)
        data = self._data
        for line in lines:
            # The platform's own form first: one line of data, then an empty one.
            if line[:6] == b"data: ":
                data.append(line[6:])
            elif not line and len(data) == 1 and data[0]:
                events.append(_new_event(Event, (self._name, data.pop())))
                self._name = None
            else:
                self._line(line, events)
        return events

    def close(self) -> list[Event]:
        """Return the events that the end of the body completes."""
        events: list[Event] = []
        if self._tail:
            self._line(b"".join(self._tail), events)
            self._tail.clear()
        self._line(b"", events)
        return events

    def _line(self, line: bytes, events: list[Event]) -> None:
        if line[:5] == b"data:":
            self._data.append(line[6:] if line[5:6] == b" " else line[5:])
        elif not line:
            self._flush(events)
        elif line[:6] == b"event:":
            self._name = line[6:].strip().decode("utf-8", "replace") or None
        elif line[:1] == b"{":
            self._flush(events)
            events.append(Event(None, line))

    def _flush(self, events: list[Event]) -> None:
        """End the event that the lines so far make."""
        data = b"\n".join(self._data)
        if data:
            events.append(Event(self._name, data))
        self._data.clear()
        self._name = None

    def _skip_mark(self, chunk: bytes) -> bytes:
        """Drop a byte order mark, which may itself arrive in pieces."""
        start = b"".join([*self._tail, chunk])
        self._tail.clear()
        if len(start) < len(_BOM) and _BOM.startswith(start):
            self._tail.append(start)
            return b""
        self._started = True
        return start.removeprefix(_BOM)

    def _plain_newlines(self, chunk: bytes) -> bytes:
        """Turn CR LF and CR into LF, also where the pair is cut in two."""
        if self._after_cr and chunk[:1] == b"\n":
            chunk = chunk[1:]
            self._after_cr = False
        if chunk:
            self._after_cr = chunk[-1:] == b"\r"
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
