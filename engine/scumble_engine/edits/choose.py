"""Which way an edit goes, by the cues that it has. Each way is a file beside this one; nothing is computed here."""

from __future__ import annotations

from scumble_protocol.errors import AskedBack, RequestError
from scumble_protocol.messages import Edit, Grab, Handle, PromptPair, Purpose, cue_names
from scumble_protocol.wording import said

from ..gan.known import generator_names
from ..models import registry
from ..models.shelf import Shelf
from .drag import drag
from .erase import erase
from .work import Work

ILLUSTRATOR = "illustrator"
BOUNDING = frozenset({"Mask", "Grab"})
CUE_WORDS = {
    "Handle": "handles",
    "AddStrokes": "add strokes",
    "SubtractStrokes": "subtract strokes",
    "ColorStrokes": "colour strokes",
    "Instruction": "an instruction",
    "PromptPair": "a prompt pair",
    "Character": "a character",
    "Slide": "sliders",
}


WORDS = frozenset({"Instruction", "PromptPair"})
STROKES = frozenset({"AddStrokes", "SubtractStrokes", "ColorStrokes"})


def perform(edit: Edit, shelf: Shelf, purpose: Purpose) -> Work:
    """Return the work of an edit. Raises RequestError at once for a mix of cues that is not there.

    What needs a diffusion model is imported only when it is asked for: torch takes seconds.
    """
    cues = cue_names(edit) - BOUNDING
    if "Character" in cues and cues <= {"Character", "Handle", "Slide"}:
        from .character import character

        return character(edit, shelf, purpose)
    if cues == {"Handle"}:
        return _drag(edit, shelf, purpose)
    if cues == {"SubtractStrokes"}:
        return erase(edit, shelf, purpose)
    if cues and cues <= WORDS:
        from .language import language

        return language(edit, shelf, purpose)
    if cues == {"ColorStrokes", "Instruction"}:
        from .dabs import say_and_color

        return say_and_color(edit, shelf, purpose)
    if cues & STROKES and cues <= STROKES | WORDS:
        from .brush import brush

        return brush(edit, shelf, purpose)
    if "Handle" in cues and cues <= WORDS | {"Handle"}:
        from .language import language
        from .turns import in_turn

        told = tuple(cue for cue in edit.cues if not isinstance(cue, Handle | Grab))
        held = tuple(cue for cue in edit.cues if type(cue).__name__ not in WORDS)
        return in_turn(edit, shelf, purpose, ((held, _drag), (told, language)))
    raise RequestError(_not_there(cues), "not-there-yet")


def _drag(edit: Edit, shelf: Shelf, purpose: Purpose) -> Work:
    """The method auto is the warp: it has the nearer pixels in the benchmark, on photographs and on illustrations."""
    if edit.settings.method == "gan":
        raise RequestError(NO_CHARACTER, "no-character")
    if edit.settings.method != "latent":
        return drag(edit, shelf, purpose)
    from .latent_drag import latent_drag

    return latent_drag(edit, shelf, purpose)


def guess(edit: Edit, shelf: Shelf) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Say what the strokes show: words, the likeliest first, and their probabilities."""
    from ..assist.guesser import guess_strokes
    from ..assist.vocabulary import Vocabulary

    guesses = guess_strokes(edit, Vocabulary(), shelf.own_guesser)
    return guesses.words, guesses.probabilities


def read(instruction: str, picture_words: str, shelf: Shelf) -> tuple[PromptPair, str]:
    """Say how an instruction would be read, and a note."""
    from ..assist.reader import read as read_instruction
    from .reading import known_words

    words, reader = known_words(shelf.diffusion), shelf.own_reader
    try:
        pair, note = read_instruction(instruction, words, picture_words, reader)
    except AskedBack as asked:
        return asked.reading, asked.sentence
    usual = READ_NOTE if reader is None and not words.open else ""
    return pair, note or usual


NO_CHARACTER = (
    "There is no character here that a generator painted; make one with `scumble new`, or drag with the warp."
)
READ_NOTE = "Read by rules over the words that the model knows; change the prompts if they say it wrongly."


def served_cues(shelf: Shelf) -> tuple[str, ...]:
    """Name the cue types that can be served now: words and strokes that paint need a diffusion model."""
    always: tuple[str, ...] = ("Handle", "SubtractStrokes", "Mask", "Grab")
    if generator_names():
        always = (*always, "Character", "Slide")
    embedded = shelf.model in ("auto", ILLUSTRATOR)
    known = registry.find(ILLUSTRATOR)
    if embedded and (known is None or not registry.facts(known).present):
        return always
    return (*always, "AddStrokes", "ColorStrokes", "Instruction", "PromptPair")


def _not_there(cues: frozenset[str]) -> str:
    if not cues:
        return "The edit says where but not what: add handles, strokes or words."
    names = [CUE_WORDS[name] for name in CUE_WORDS if name in cues]
    return said("An edit by {cues} at once is not there yet; make one after the other.", cues=_listed(names))


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
