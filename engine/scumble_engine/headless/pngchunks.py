"""The parts of a PNG that pixel codecs leave out: its header, profile, orientation and texts. Bytes in, bytes out."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image
from scumble_protocol.pixels import MAX_ICC_BYTES

SIGNATURE = b"\x89PNG\r\n\x1a\n"
PALETTE = 3
GRAY = (0, 4)
COLOR = (2, 6)
HEADER_BYTES = len(SIGNATURE) + 25
MAX_TEXTS_BYTES = 2**26  # profile, recipe and whatever else lies beside the samples
RECIPE_KEY = "scumble-recipe"


@dataclass(frozen=True)
class Header:
    width: int
    height: int
    bits: int  # a sample
    color_type: int  # 0 gray, 2 RGB, 3 palette, 4 gray + alpha, 6 RGBA


def read_header(data: bytes) -> Header:
    """Read IHDR. Raises ValueError for what does not begin as a PNG does."""
    if not data.startswith(SIGNATURE) or data[12:16] != b"IHDR" or len(data) < HEADER_BYTES:
        raise ValueError("not a PNG")
    return Header(*struct.unpack(">IIBB", data[16:26]))


def most_bytes(header: Header) -> int:
    """Return how many bytes a PNG of that size can reasonably take: RGBA of 16 bits that can't be packed, and its texts."""
    return header.width * header.height * 9 + MAX_TEXTS_BYTES


def chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield (type, content) of each chunk up to the pixels' end. Raises ValueError for one that is cut short."""
    at = len(SIGNATURE)
    while at + 12 <= len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        kind, content = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        if len(content) != length:
            raise ValueError("a chunk is cut short")
        yield kind, content
        at += 12 + length
        if kind == b"IEND":
            return


def profile(data: bytes) -> bytes:
    """Return the ICC profile, or b"" when there is none that can be used."""
    for kind, content in chunks(data):
        if kind == b"iCCP":
            _, _, packed = content.partition(b"\0")
            inflated = zlib.decompressobj().decompress(packed[1:], MAX_ICC_BYTES + 1)
            return inflated if len(inflated) <= MAX_ICC_BYTES else b""
    return b""


def orientation(data: bytes) -> int:
    """Return EXIF's orientation, 1 when nothing is said."""
    for kind, content in chunks(data):
        if kind == b"eXIf":
            exif = Image.Exif()
            exif.load(content)
            return int(exif.get(0x0112, 1))
    return 1


def text(data: bytes, key: str) -> str | None:
    """Return an uncompressed iTXt text by its keyword."""
    prefix = key.encode("latin-1") + b"\0\0\0"  # not compressed
    for kind, content in chunks(data):
        if kind == b"iTXt" and content.startswith(prefix):
            _, _, words = content[len(prefix) :].partition(b"\0")[2].partition(b"\0")
            return words.decode("utf-8", "replace")
    return None


def with_chunks(data: bytes, icc: bytes = b"", texts: dict[str, str] | None = None) -> bytes:
    """Return the PNG with a profile and texts put in right after its header."""
    added = [_chunk(b"iCCP", b"profile\0\0" + zlib.compress(icc))] if icc else []
    for key, words in (texts or {}).items():
        added.append(_chunk(b"iTXt", key.encode("latin-1") + b"\0\0\0\0\0" + words.encode("utf-8")))
    return data[:HEADER_BYTES] + b"".join(added) + data[HEADER_BYTES:]


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
