"""An instruction in the painter's words -> a prompt pair, by a small grammar over the words that the model knows.

"make the apple green" -> source "an apple", target "a green apple", blend (apple), kind recolor. The sentence is parted into clauses
(clauses.py), and the first that makes sense (meanings.py) is taken. What is not sure is asked back with both prompts filled in;
reader.py asks a language model first, where there is one.
"""

from __future__ import annotations

import re

from scumble_protocol.errors import AskedBack, RequestError
from scumble_protocol.messages import PromptPair
from scumble_protocol.wording import said

from .clauses import clauses
from .meanings import Heard, Shown, known, meaning_of, unknown
from .pairs import with_kind
from .phrases import Phrase, describe, find_phrase, read_phrase
from .vocabulary import Vocabulary

MAX_CHARACTERS = 400
ARROW = re.compile(r"\s*(?:->|→|=>)\s*")
POLITE = re.compile(
    r"^(?:please |can you |could you |would you |kindly |i(?: want| would like|'d like)(?: you)? to (?!have|see)"
    r"|i(?: want| would like|'d like)(?= (?:the|my|his|her|their|this|it|him|them) .*\bto ) |let's |lets |just |now )+"
)
TRAILING = re.compile(r"(?: (?:please|instead|now|thanks|thank you))+$")


def read_instruction(
    instruction: str, vocabulary: Vocabulary, picture_words: str = "", pointed: bool = False
) -> PromptPair:
    """Read one instruction. `picture_words` say what the picture shows, if known ("a red apple on grass"); `pointed`: whether the
    painter selected what is meant.

    Raises AskedBack, with the likeliest pair, for what is not surely read; RequestError for words that the model does not know (with
    near ones that it does), for nothing, and for too much.
    """
    if len(halves := ARROW.split(instruction.strip(), maxsplit=1)) == 2:
        return check_pair(PromptPair(halves[0], halves[1]), vocabulary)
    text = _normal(instruction)
    if not text:
        raise RequestError(
            "The instruction is empty; say what to change, such as: make the apple green.", "bad-instruction"
        )
    shown = Shown(vocabulary, _normal(picture_words) if picture_words else "", pointed)
    heard = next((found for clause in clauses(text) if (found := meaning_of(clause, shown))), None) or _guessed(
        text, shown
    )
    if not heard.sure:
        raise _asked_back(instruction, heard.pair)
    return heard.pair


def _guessed(text: str, shown: Shown) -> Heard:
    """Fill in what can be: the words may be all that the picture should show."""
    target = f"{shown.said}, {text}" if shown.said else text
    return Heard(PromptPair(shown.source, target if shown.words.open else shown.source), sure=False)


def _asked_back(instruction: str, pair: PromptPair) -> AskedBack:
    return AskedBack(
        said(
            "It is not sure what {words} means; correct what stands on either side of the arrow and say that, or give both prompts "
            "(--from and --to): {source} -> {target}",
            words=f"{instruction.strip()[:80]!r}",
            source=pair.source,
            target=pair.target,
        ),
        pair,
    )


def shown_already(instruction: str, vocabulary: Vocabulary) -> Phrase | None:
    """Return the thing that an instruction says is in the picture ("add a star" says none), or None."""
    try:
        source = read_instruction(instruction, vocabulary).source
    except RequestError:
        source = _normal(instruction)
    return find_phrase(source, vocabulary)


def check_pair(pair: PromptPair, vocabulary: Vocabulary) -> PromptPair:
    """Return a painter's own pair with its kind and blend words filled in. Raises RequestError for words that the model does not know."""
    for prompt in (pair.source, pair.target):
        for word in re.findall(r"[a-z0-9']+", prompt.lower()):
            if not vocabulary.knows(word):
                raise unknown(word, vocabulary)
    if not pair.target.strip() and not pair.source.strip():
        raise RequestError("Both prompts are empty; say what the picture shows and what it should show.", "bad-prompt")
    return pair if pair.kind else with_kind(pair, vocabulary)


def _normal(text: str) -> str:
    if len(text) > MAX_CHARACTERS:
        raise RequestError(
            said("The instruction has {count} characters; say one change in a sentence.", count=len(text)),
            "prompt-too-long",
        )
    text = text.lower().replace("colour", "color").replace("’", "'")
    text = re.sub(r"[\s,]+", " ", re.sub(r"[^\w\s',-]", " ", text)).strip(" '-")
    return TRAILING.sub("", POLITE.sub("", text)).strip()


def read_subject(text: str, vocabulary: Vocabulary) -> str:
    """Read what strokes show: a bare noun phrase ("a red hat"), or an instruction, of which the new thing is taken.

    Raises RequestError for words that the model does not know.
    """
    phrase = new_thing(text, vocabulary)
    return read_instruction(text, vocabulary).target if phrase is None else describe(phrase)


def new_thing(text: str, vocabulary: Vocabulary) -> Phrase | None:
    """Return the thing that is to come, of an instruction to add one or of a bare noun phrase; None where what is there changes.

    Raises RequestError for words that the model does not know.
    """
    first, *_ = clauses(_normal(text))
    if first.act == "add":
        return known(first.state, vocabulary)
    if first.act != "show":
        return None
    phrase = read_phrase(first.state, vocabulary)
    if phrase is not None and phrase.noun:
        return phrase
    if phrase is not None and len(first.state.split()) <= 3:
        raise unknown(phrase.text, vocabulary)
    return None
