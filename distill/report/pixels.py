"""Images as PNG data URIs, without an imaging library: zlib and a checksum are all that PNG asks for."""

import base64
import struct
import zlib
from collections.abc import Iterable
from statistics import median

from distill.report.figures import Picture
from distill.report.markup import Markup, tag

GRAY, COLOUR, INK = 0, 2, 4
"""PNG's colour types; ink is gray with transparency."""
DARK = 32
"""A border up to this is background."""


def drawn(pictures: Iterable[Picture]) -> bool:
    """Whether the images are strokes on a dark ground (digits, letters): these become ink on the page's own paper, light or dark."""
    edges = [value for picture in pictures for value in border(picture)]
    return bool(edges) and median(edges) <= DARK


def border(picture: Picture) -> list[int]:
    """Values along the edges of an image of one channel."""
    if picture.channels != 1:
        return [255]
    data, width = base64.b64decode(picture.data), picture.width
    rows = [data[i : i + width] for i in range(0, len(data), width)]
    return [*rows[0], *rows[-1], *(row[0] for row in rows), *(row[-1] for row in rows)]


def image(picture: Picture, alt: str, ink: bool, width: int = 28) -> Markup:
    """An img element `width` wide on the page; small pictures keep square pixels."""
    height = round(width * picture.height / picture.width)
    uri = f"data:image/png;base64,{base64.b64encode(png(picture, ink)).decode()}"
    pixelated = "px" if picture.width <= 64 else None
    words = " ".join(word for word in (pixelated, "ink" if ink else None) if word) or None
    return tag("img", src=uri, width=width, height=height, alt=alt, class_=words)


def png(picture: Picture, ink: bool) -> bytes:
    """`ink`: the value is how opaque black is, so that the page shows through."""
    data = base64.b64decode(picture.data)
    if ink and picture.channels == 1:
        data = b"".join(bytes((0, value)) for value in data)
        colour, stride = INK, 2 * picture.width
    else:
        colour, stride = (COLOUR if picture.channels == 3 else GRAY), picture.channels * picture.width
    lines = b"".join(b"\0" + data[i : i + stride] for i in range(0, len(data), stride))
    header = struct.pack(">IIBBBBB", picture.width, picture.height, 8, colour, 0, 0, 0)
    chunks = (_chunk(b"IHDR", header), _chunk(b"IDAT", zlib.compress(lines, 9)), _chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
