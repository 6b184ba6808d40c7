"""CLIP's own tokenizer, made from the merges that come with the engine, for models in single files, which hold none.

The merges are those of OpenAI's CLIP (layouts/CLIP_LICENSE, MIT): https://github.com/openai/CLIP, clip/simple_tokenizer.py.
"""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path

LAYOUTS = Path(__file__).parent / "layouts"
START, END = "<|startoftext|>", "<|endoftext|>"


@cache
def merges() -> str:
    """Return the text of merges.txt: a line of version, then 48,894 pairs."""
    return gzip.decompress((LAYOUTS / "clip_merges.txt.gz").read_bytes()).decode()


@cache
def vocabulary() -> dict[str, int]:
    """Return the ids of all 49,408 tokens: bytes, bytes that end a word, what merges make, start and end (Radford et al. 2021)."""
    letters = _letters()
    pairs = ("".join(line.split()) for line in merges().splitlines()[1:])
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), *pairs, START, END]
    return {token: number for number, token in enumerate(tokens)}


def write_tokenizer(folder: Path, pad: str = END) -> None:
    """Write a transformers CLIP tokenizer of 77 tokens; `pad` is what short prompts are filled up with."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps(vocabulary()), encoding="utf-8")
    (folder / "merges.txt").write_text(merges(), encoding="utf-8")
    config = {"tokenizer_class": "CLIPTokenizer", "model_max_length": 77, "bos_token": START, "eos_token": END}
    (folder / "tokenizer_config.json").write_text(json.dumps({**config, "unk_token": END, "pad_token": pad}))


def _letters() -> list[str]:
    """Name the 256 bytes by printable characters, as GPT-2's byte pairs do: printable ones by themselves, first; others above 255."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [number for number in range(256) if number not in printable]
    return [chr(number) for number in printable] + [chr(256 + place) for place in range(len(hidden))]
