"""Read: what the painter's words ask for, as a prompt pair with a kind."""

from __future__ import annotations

from collections import Counter

from scumble_protocol.errors import RequestError
from scumble_protocol.messages import Edit, Instruction, Mask, PromptPair
from scumble_protocol.wording import said

from ..assist.phrases import NUMBERS, Phrase, describe
from ..assist.prompts import check_pair, shown_already
from ..assist.reader import read
from ..assist.vocabulary import Vocabulary, vocabulary_from
from ..diffusion.model import DiffusionModel
from ..imaging.palette import PALETTE
from ..models.shelf import Shelf
from .looking import captioned
from .model_window import ModelWindow
from .scene import only
from .seeing import seen_words, thing_alone

# A prompt pair, and notes on how it was read.
Said = tuple[PromptPair, tuple[str, ...]]


def pair_of(edit: Edit, shelf: Shelf, window: ModelWindow) -> Said:
    """Return the prompt pair that the painter gave, or the reading of the instruction, with notes. Raises RequestError.

    `window`: to say in the source prompt what else the picture shows.
    """
    pair, instruction = only(edit, PromptPair), only(edit, Instruction)
    if pair is not None and instruction is not None:
        raise RequestError("Give either an instruction or the two prompts, not both.", "bad-edit")
    model = shelf.diffusion
    words = known_words(model)
    if pair is not None:
        return check_differs(check_pair(pair, words)), ()
    if instruction is None:
        raise RequestError("Say what to change, such as: make the apple green.", "bad-edit")
    shown, notes = captioned(shelf, window) if words.open else ("", ())
    shown = shown or seen_words(model, words, window, shown_already(instruction.text, words))
    pointed = only(edit, Mask) is not None
    read_pair, note = read(instruction.text, words, shown, shelf.own_reader, pointed=pointed)
    if shown and says_the_same(read_pair):  # what was seen can be wrong: that it is not so yet, the painter says
        read_pair, note = read(instruction.text, words, thing_alone(shown, words), shelf.own_reader, pointed=pointed)
    return check_differs(read_pair), (*notes, *([note] if note else []))


def check_differs(pair: PromptPair) -> PromptPair:
    """Return a pair that asks for a change. Raises RequestError for one that asks for none: the loop would run for nothing."""
    if says_the_same(pair):
        raise RequestError(
            said(
                "Both prompts say {words}, so nothing would change; say in the second what should be there.",
                words=repr(pair.source.strip()),
            ),
            "same-prompts",
        )
    return pair


def says_the_same(pair: PromptPair) -> bool:
    """Return whether both prompts are one, but for spaces and capitals."""
    return pair.source.lower().split() == pair.target.lower().split()


def known_words(model: DiffusionModel) -> Vocabulary:
    """Return the model's vocabulary, read once."""
    known: Vocabulary = model.memories.setdefault("vocabulary", vocabulary_from(model.profile.vocabulary))
    return known


def subject_of(pair: PromptPair, words: Vocabulary) -> str:
    """Say the new thing alone, "two red apples": what only the target says of the word that is added."""
    new = list((Counter(pair.target.split()) - Counter(pair.source.split())).elements())
    noun = pair.blend[0] if pair.blend else ""
    number = next((NUMBERS[word] for word in new if word in NUMBERS), "")
    color = next((word for word in new if word in PALETTE), "")
    return describe(Phrase("", noun, color, words.is_plural(noun), number)) if noun else pair.target
