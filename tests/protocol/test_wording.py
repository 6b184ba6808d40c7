"""Sentences keep their parts on the wire, through errors and notes, and are said in another language by their template."""

from __future__ import annotations

from protocol.samples import opened_pair, plane
from scumble_protocol.errors import RequestError, error_for
from scumble_protocol.geometry import Bounds
from scumble_protocol.messages import Failure, Message, Provenance, Result
from scumble_protocol.wording import Argument, Sentence, Wording, said, spoken

GERMAN = {
    "Handle {number} leaves {where}.": "Griff {number} verlässt {where}.",
    "The mask is empty.": "Die Maske ist leer.",
}


def german(text: str) -> str:
    return GERMAN.get(text, text)


def over_the_wire(message: Message) -> Message:
    client, engine = opened_pair()
    return client.open(engine.seal(message))


def test_a_refusal_reaches_the_host_in_its_parts() -> None:
    error = RequestError(said("Handle {number} leaves {where}.", number=2, where="the picture"), "bad-handle")
    told = over_the_wire(Failure("job-1", error.code, error.sentence))
    assert isinstance(told, Failure)
    assert told.sentence == "Handle 2 leaves the picture."
    assert told.wording == Wording(
        "Handle {number} leaves {where}.", (Argument("number", "2"), Argument("where", "the picture"))
    )
    assert spoken(error_for(told.code, told.sentence).sentence, german) == "Griff 2 verlässt the picture."


def test_a_sentence_without_values_is_its_own_template() -> None:
    told = over_the_wire(Failure("job-1", "x", "The mask is empty."))
    assert isinstance(told, Failure)
    assert told.wording is None
    assert spoken(told.sentence, german) == "Die Maske ist leer."


def test_notes_keep_their_parts_too() -> None:
    notes = ("The mask is empty.", said("Handle {number} leaves {where}.", number=1, where="it"), "Plain {braces}.")
    made = Provenance("0.1.0", "warp", "m", "", "none", 1, 0, "cpu")
    told = over_the_wire(Result("job-1", Bounds(0, 0, 3, 2), plane(channels=4), made, notes))
    assert isinstance(told, Result)
    assert told.notes == notes
    assert [spoken(note, german) for note in told.notes] == [
        "Die Maske ist leer.",
        "Griff 1 verlässt it.",
        "Plain {braces}.",
    ]


def test_parts_of_another_sentence_are_left_out() -> None:
    told = Failure("job-1", "x", "One thing.", Wording("Another {thing}.", (Argument("thing", "thing"),)))
    assert told.sentence == "One thing."
    assert not isinstance(told.sentence, Sentence)


def test_values_are_put_in_as_they_are_and_no_format_is_read_from_a_template() -> None:
    assert said("“{name}” is hidden.", name="{name} {0} <b>") == "“{name} {0} <b>” is hidden."
    hostile = said("{name.__class__} {name!r:>999999999} {name}", name="x")
    assert hostile == "{name.__class__} {name!r:>999999999} x"


def test_nothing_stays_nothing() -> None:
    assert spoken("", lambda text: f"heading of the catalogue {text}") == ""
