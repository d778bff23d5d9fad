"""What the first bytes of an image file say: its format and its size in pixels."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from qianfan.local import png

if TYPE_CHECKING:
    from collections.abc import Callable

    Size = tuple[int, int]

FORMATS = "PNG, JPEG, GIF, WebP, BMP"


class Image(NamedTuple):
    """An image's format, and its width and height in pixels."""

    format: str
    width: int
    height: int


def read(data: bytes) -> Image:
    """Return what an image file says of itself.

    Raises:
        ValueError: It is no image of a known format, or its header is damaged.
    """
    for name, (magic, offset, size) in _FORMATS.items():
        if data.startswith(magic) and (name != "WebP" or data[8:12] == b"WEBP"):
            try:
                width, height = size(data, offset)
            except struct.error:
                width = height = 0
            if width < 1 or height < 1:
                raise ValueError(f"the header of the {name} is damaged")
            return Image(name, width, height)
    raise ValueError(f"its format is none of {FORMATS}")


def _big_endian(data: bytes, offset: int) -> Size:
    return struct.unpack_from(">II", data, offset)


def _little_endian(data: bytes, offset: int) -> Size:
    return struct.unpack_from("<HH", data, offset)


def _bmp(data: bytes, offset: int) -> Size:
    (header,) = struct.unpack_from("<I", data, offset)
    if header == 12:  # of OS/2
        return struct.unpack_from("<HH", data, offset + 4)
    width, height = struct.unpack_from("<ii", data, offset + 4)
    return width, abs(height)  # negative where the rows begin at the top


_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_NO_LENGTH = frozenset(range(0xD0, 0xD8)) | {0x01}


def _jpeg(data: bytes, offset: int) -> Size:
    """Go from marker to marker, up to the frame that has the size."""
    while True:
        start, marker = struct.unpack_from(">BB", data, offset)
        if start != 0xFF:
            return 0, 0
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", data, offset + 5)
            return width, height
        if marker == 0xFF:  # a fill byte
            offset += 1
        elif marker in _NO_LENGTH:
            offset += 2
        else:
            (length,) = struct.unpack_from(">H", data, offset + 2)
            offset += 2 + length


def _webp(data: bytes, offset: int) -> Size:
    kind = data[offset : offset + 4]
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, offset + 14)
        return width & 0x3FFF, height & 0x3FFF  # the other bits are a scale
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, offset + 9)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8X":
        width, height = struct.unpack_from("<3s3s", data, offset + 12)
        return int.from_bytes(width, "little") + 1, int.from_bytes(height, "little") + 1
    return 0, 0


_FORMATS: dict[str, tuple[bytes, int, Callable[[bytes, int], Size]]] = {
    "PNG": (png.SIGNATURE, 16, _big_endian),
    "JPEG": (b"\xff\xd8\xff", 2, _jpeg),
    "GIF": (b"GIF8", 6, _little_endian),
    "WebP": (b"RIFF", 12, _webp),
    "BMP": (b"BM", 14, _bmp),
}
