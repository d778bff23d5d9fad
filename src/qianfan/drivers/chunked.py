"""The chunked transfer coding (RFC 9112, 7.1), many chunks at a time.

A stream sends every event in a chunk of its own. http.client and urllib3 read a chunk a call, which
costs more than all else that is done for an event; this takes whatever has arrived at once.
"""

from __future__ import annotations

_LONGEST_LINE = 8192


class ChunkDecoder:
    """Turns the bytes of a chunked body into its content, however they are cut.

    Attributes:
        done: Whether the end of the body was reached.
    """

    __slots__ = ("_left", "_line", "_state", "done")

    def __init__(self) -> None:
        self.done = False
        self._left = 0  # bytes of the current chunk that are still to come
        self._line = b""  # the beginning of a line that has no end yet
        self._state = "size"  # what comes next: size, content, end (of a chunk) or trailer

    def feed(self, data: bytes) -> bytes:
        """Return the content in these bytes; raise ValueError where they break the coding."""
        if self._line:
            data, self._line = self._line + data, b""
        content: list[bytes] = []
        at = 0
        while at < len(data) and not self.done:
            if self._state == "content":
                piece = data[at : at + self._left]
                content.append(piece)
                at += len(piece)
                self._left -= len(piece)
                if not self._left:
                    self._state = "end"
                continue
            end = data.find(b"\r\n", at)
            if end < 0:
                self._line = data[at:]
                if len(self._line) > _LONGEST_LINE:
                    raise ValueError("a line of the chunked coding has no end")
                break
            self._take_line(data[at:end])
            at = end + 2
        return content[0] if len(content) == 1 else b"".join(content)

    def _take_line(self, line: bytes) -> None:
        if self._state == "size":
            self._left = int(line.partition(b";")[0], 16)
            if self._left < 0:
                raise ValueError("a chunk has a negative size")
            self._state = "content" if self._left else "trailer"
        elif self._state == "trailer":
            self.done = not line
        elif line:
            raise ValueError("a chunk is longer than its size says")
        else:
            self._state = "size"
