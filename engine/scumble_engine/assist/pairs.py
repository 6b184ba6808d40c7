"""The kind of a change between two bare prompts, and the word that points at its place: told by the words in which they differ. Pure."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

from scumble_protocol.messages import PromptPair

from .grounds import ground_in
from .vocabulary import ARTICLES, Vocabulary

# What a prompt says of its manner beside the style's own name.
MANNER = frozenset(["drawing", "picture", "illustration", "painting", "image", "art", "style", "of", "in"])
FILLER = ARTICLES | {"and", "with"}


def with_kind(pair: PromptPair, words: Vocabulary) -> PromptPair:
    """Return a pair with its kind and blend words: they decide how much of the layout is kept, and where it may change."""
    before, after = pair.source.lower().split(), pair.target.lower().split()
    new, gone = (list((Counter(one) - Counter(other)).elements()) for one, other in ((after, before), (before, after)))
    kind = _kind(" ".join(before), " ".join(after), new, gone, words)
    return replace(pair, kind=kind, blend=pair.blend or _pointing(kind, after, new, words))


def _kind(before: str, after: str, new: list[str], gone: list[str], words: Vocabulary) -> str:
    content = [w for w in (*new, *gone) if w not in FILLER]
    if words.style(before) != words.style(after) and _plainly(before, words) == _plainly(after, words):
        return "style"
    grounds = [ground_in(prompt, words) for prompt in (before, after)]
    heads = [prompt.removesuffix(ground).strip() for prompt, ground in zip((before, after), grounds, strict=True)]
    if heads[0] == heads[1] and grounds[0] != grounds[1]:
        return "background"
    if content and all(words.color(w) for w in content):
        return "recolor"
    if not [w for w in gone if w not in FILLER] and new:
        return "add"
    return "rename" if [w for w in new if w not in FILLER] else "remove"


def _plainly(prompt: str, words: Vocabulary) -> list[str]:
    """Return what a prompt says beside its manner."""
    style = words.style(prompt)
    ways = (style, *words.styles.get(style, ())) if style else ()
    for way in sorted(ways, key=len, reverse=True):
        prompt = f" {prompt} ".replace(f" {way} ", " ").strip()
    return [word for word in re.findall(r"[\w']+", prompt) if word not in MANNER | FILLER]


def _pointing(kind: str, after: list[str], new: list[str], words: Vocabulary) -> tuple[str, ...]:
    """Return the shortest noun of the target that points at the change; nothing where all of the picture changes."""
    if kind in ("style", "background", "remove"):
        return ()
    if not words.open:
        return tuple(word for word in new if words.noun(word))
    if kind == "recolor":
        return tuple(
            after[at + 1] for at in range(len(after) - 1) if after[at] in new and not words.color(after[at + 1])
        )[:1]
    return tuple(word.strip(",.") for word in new if word not in FILLER)[-1:]
