"""Compiling a message catalogue for tests: the .mo format of GNU gettext."""

from __future__ import annotations

import struct


def catalogue(words: dict[str, str]) -> bytes:
    """Return a catalogue of these texts and their translations."""
    pairs = sorted({"": "Content-Type: text/plain; charset=UTF-8\n", **words}.items())
    ids, texts = ([text.encode() for text in column] for column in zip(*pairs, strict=True))
    start = 28 + 16 * len(pairs)
    tables, blob = b"", b""
    for column in (ids, texts):
        for text in column:
            tables += struct.pack("<II", len(text), start + len(blob))
            blob += text + b"\0"
    return struct.pack("<7I", 0x950412DE, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, 0) + tables + blob
