"""PNG files, written with nothing but zlib: chunks, and abstract pictures made up of a seed."""

from __future__ import annotations

import colorsys
import hashlib
import struct
import zlib
from math import cos, isqrt, pi, sin
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_SHADES = 128  # of the ground; as many more colours are the discs'
_DISCS = 4
_COMPRESSION = 6


def draw(seed: str, width: int, height: int, texts: dict[str, str]) -> bytes:
    """Return a PNG with the picture that belongs to a seed, and texts that a reader can find in it.

    Args:
        seed: The same seed gives the same picture.
        width: Its width in pixels.
        height: Its height in pixels.
        texts: Texts by keyword, in Latin-1 and of at most 79 characters.
    """
    digest = hashlib.sha512(seed.encode()).digest()
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)  # eight bits, colours from a palette
    pixels = b"".join(_rows(digest, width, height))
    chunks = [
        (b"IHDR", header),
        *((b"iTXt", _text(keyword, text)) for keyword, text in texts.items()),
        (b"PLTE", _palette(digest)),
        (b"IDAT", zlib.compress(pixels, _COMPRESSION)),
        (b"IEND", b""),
    ]
    return SIGNATURE + b"".join(_chunk(kind, content) for kind, content in chunks)


def read_text(image: bytes, keyword: str) -> str | None:
    """Return what a PNG says under a keyword, where it says it as `draw` does; None where it does not."""
    head = _text(keyword, "")
    position = len(SIGNATURE)
    while position + 8 <= len(image):
        length, kind = struct.unpack_from(">I4s", image, position)
        content = image[position + 8 : position + 8 + length]
        if kind == b"IEND":
            return None
        if kind == b"iTXt" and content.startswith(head):
            return content[len(head) :].decode("utf-8", "replace")
        position += length + 12
    return None


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _text(keyword: str, text: str) -> bytes:
    """Return the content of an `iTXt` chunk that is neither compressed nor translated."""
    return keyword.encode("latin-1") + bytes(5) + text.encode()


def _palette(digest: bytes) -> bytes:
    hue, contrast = digest[0] / 256, 0.25 + digest[1] / 512
    ground = [
        colorsys.hsv_to_rgb((hue + 0.25 * shade / _SHADES) % 1, 0.55, 0.35 + 0.6 * shade / _SHADES)
        for shade in range(_SHADES)
    ]
    discs = [
        colorsys.hsv_to_rgb((hue + contrast + 0.15 * shade / _SHADES) % 1, 0.7, 0.95 - 0.45 * shade / _SHADES)
        for shade in range(_SHADES)
    ]
    return bytes(round(255 * part) for colour in ground + discs for part in colour)


class _Disc(NamedTuple):
    x: int
    y: int
    radius: int


def _rows(digest: bytes, width: int, height: int) -> Iterator[bytes]:
    """Return the rows of the picture, each after a zero, which says that no filter was used.

    Every row is a slice of one wave, and where a disc is of another: slices are quick to make, and
    zlib finds them again in the row above.
    """
    period = width // 2 + 2 * digest[2]
    ground, inner = (_wave(period, 2 * width, first) for first in (0, _SHADES))
    bend, turns, slant = width * digest[3] // 1024, 0.5 + digest[4] / 128, digest[5] / 128 - 1
    discs = [
        _Disc(
            width * digest[i] // 256,
            height * digest[i + 1] // 256,
            min(width, height) * (32 + digest[i + 2]) // 1024,
        )
        for i in range(8, 8 + 3 * _DISCS, 3)
    ]
    for y in range(height):
        shift = int(bend * sin(2 * pi * turns * y / height) + slant * y) % period
        row = ground[shift : shift + width]
        for disc in discs:
            if abs(y - disc.y) < disc.radius:
                half = isqrt(disc.radius**2 - (y - disc.y) ** 2)
                left, right = max(0, disc.x - half), min(width, disc.x + half)
                start = (disc.radius - shift) % period  # against the ground's bend, and each disc elsewhere
                row = row[:left] + inner[start + left : start + right] + row[right:]
        yield b"\0" + row


def _wave(period: int, length: int, first: int) -> bytes:
    """Return shades from the first one on that rise and fall, one period after the other."""
    once = bytes(first + round((_SHADES - 1) * (1 - cos(2 * pi * x / period)) / 2) for x in range(period))
    return once * (length // period + 2)
