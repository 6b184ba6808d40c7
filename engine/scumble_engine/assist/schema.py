"""What a language model is asked for an instruction, and what of its answer is believed. Pure: words in, a prompt pair out.

The answer is one JSON object {source, target, blend, keep, kind}. Whatever is not exactly that is nonsense, never repaired.
"""

from __future__ import annotations

import json
import re
from typing import Any

from scumble_protocol.messages import PromptPair

from .vocabulary import ARTICLES, COMMON_WORDS, Vocabulary

KINDS = ("rename", "recolor", "add", "remove", "replace", "style", "background", "pose")
KEYS = frozenset({"source", "target", "blend", "keep", "kind"})
MAX_PROMPT, MAX_WORDS, MAX_WORD = 240, 4, 40
# Words of an instruction that a good answer need not repeat.
VERBS = frozenset(
    re.findall(
        r"\w+",
        "make turn change put replace remove delete add give it this that into from please paint color erase get rid take "
        "away out should be more less set show let draw new whole",
    )
)

Answer = tuple[str, str, list[str], list[str], str]

# Where an answer begins: a model that goes on from here can hardly do anything but fill the schema in.
OPENING = '{"source": "'

EXAMPLES: tuple[tuple[tuple[str, str], Answer], ...] = (
    (
        ("make the apple green", "a red apple on a table"),
        ("a red apple on a table", "a green apple on a table", ["apple"], [], "recolor"),
    ),
    (
        ("swap the cat for a small dog", "a cat on a sofa"),
        ("a cat on a sofa", "a small dog on a sofa", ["dog"], [], "replace"),
    ),
    (("give her a hat", "a woman"), ("a woman", "a woman with a hat", ["hat"], ["woman"], "add")),
    (("no more boats", "a lake with boats"), ("a lake with boats", "a lake", ["boats"], [], "remove")),
    (("move it to the beach", "a dog on grass"), ("a dog on grass", "a dog on the beach", [], ["dog"], "background")),
    (
        ("as a pencil sketch", "a house"),
        ("a house", "a pencil sketch of a house", [], [], "style"),
    ),
)

TASK = (
    "You turn an instruction for editing a picture into two short descriptions of the picture, before (source) and after (target), "
    "as one JSON object with the keys source, target, blend, keep, kind. blend: nouns of target or source whose place may change. "
    "keep: nouns whose place must not change. kind: one of "
) + f"{', '.join(KINDS)}. Change nothing that the instruction does not name. Write the JSON object and nothing else."


def messages_for(instruction: str, picture_words: str, words: Vocabulary) -> list[dict[str, str]]:
    """Return a chat: the task, worked examples, and the painter's own question last."""
    task = TASK if words.open else f"{TASK} {_known(words)}"
    chat = [{"role": "user", "content": task}, {"role": "assistant", "content": "Understood."}]
    for (said, shown), answer in EXAMPLES:
        chat += [{"role": "user", "content": question(said, shown)}, {"role": "assistant", "content": answered(answer)}]
    return [*chat, {"role": "user", "content": question(instruction, picture_words)}]


def plain_text(messages: list[dict[str, str]]) -> str:
    """Say a chat as plain text, for models without a chat template."""
    names = {"user": "", "assistant": "Answer: "}
    return "\n".join(f"{names[one['role']]}{one['content']}" for one in messages) + "\nAnswer: "


def question(instruction: str, picture_words: str) -> str:
    return f"Picture: {picture_words or 'unknown'}. Instruction: {instruction}"


def answered(answer: Answer) -> str:
    return json.dumps(dict(zip(("source", "target", "blend", "keep", "kind"), answer, strict=True)), ensure_ascii=False)


def _known(words: Vocabulary) -> str:
    things = ", ".join(thing.name for thing in words.things)
    return f"Use only these nouns: {things}; only these colours: {', '.join(words.colors)}."


class Nonsense(ValueError):
    """An answer that can't be believed; the text says why, in a few words."""


def pair_in(answer: str, instruction: str, words: Vocabulary) -> PromptPair:
    """Read a model's answer. Raises Nonsense with the reason."""
    fields = _object_in(answer)
    if set(fields) != KEYS:
        raise Nonsense("other keys than were asked for")
    source, target = _prompt(fields["source"]), _prompt(fields["target"])
    if fields["kind"] not in KINDS:
        raise Nonsense("a kind of edit that there is not")
    if source == target:
        raise Nonsense("two prompts that are the same")
    pair = PromptPair(source, target, _words(fields["blend"]), _words(fields["keep"]), fields["kind"])
    _check_words(pair, words)
    _check_about(pair, instruction)
    return pair


def _object_in(answer: str) -> dict[str, Any]:
    start = answer.find("{")
    try:
        value, _end = json.JSONDecoder().raw_decode(answer[max(start, 0) :])
    except (ValueError, RecursionError):
        raise Nonsense("no JSON object") from None
    if not isinstance(value, dict):
        raise Nonsense("no JSON object")
    return value


def _prompt(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_PROMPT or not value.isprintable():
        raise Nonsense("a prompt that is empty, too long or no text")
    return " ".join(value.lower().strip(" .").split())


def _words(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > MAX_WORDS:
        raise Nonsense("no short list of words")
    if not all(isinstance(one, str) and 0 < len(one.strip()) <= MAX_WORD for one in value):
        raise Nonsense("no short list of words")
    return tuple(dict.fromkeys(one.lower().strip() for one in value))


def _check_words(pair: PromptPair, words: Vocabulary) -> None:
    for word in (*pair.blend, *pair.keep):
        if not any(re.search(rf"\b{re.escape(word)}\b", prompt) for prompt in (pair.source, pair.target)):
            raise Nonsense(f"the word {word!r}, which is in neither prompt")
    strange = [word for word in re.findall(r"[a-z0-9']+", f"{pair.source} {pair.target}") if not words.knows(word)]
    if strange:
        raise Nonsense(f"the word {strange[0]!r}, which the picture's model does not know")


def _check_about(pair: PromptPair, instruction: str) -> None:
    """A model that repeats an example, or dreams, says nothing of what the painter said."""
    said = [word for word in re.findall(r"\w+", instruction.lower()) if word not in VERBS | ARTICLES | {*COMMON_WORDS}]
    prompts = f"{pair.source} {pair.target}"
    if said and not any(word[:4] in prompts for word in said):
        raise Nonsense("prompts about something else")
