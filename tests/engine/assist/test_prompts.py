"""Instructions read by rules: what each kind becomes, and what is refused in words."""

from __future__ import annotations

import pytest
from scumble_engine.assist.prompts import check_pair, read_instruction, read_subject
from scumble_engine.assist.vocabulary import Vocabulary, vocabulary_from
from scumble_protocol.errors import RequestError
from scumble_protocol.messages import PromptPair

DATA = {
    "concepts": {
        "apple": {"plural": "apples", "synonyms": []},
        "pear": {"plural": "pears", "synonyms": []},
        "cat": {"plural": "cats", "synonyms": ["kitten", "kitty"]},
        "dog": {"plural": "dogs", "synonyms": ["puppy"]},
        "pine tree": {"plural": "pine trees", "synonyms": ["fir"]},
        "hat": {"plural": "hats", "synonyms": ["top hat"]},
        "fish": {"plural": "fish", "synonyms": []},
    },
    "colors": {"red": "#ff0000", "green": "#00ff00", "blue": "#0000ff", "white": "#ffffff", "orange": "#ff8800"},
    "styles": {"flat": ["flat", "flat color"], "3d": ["3d", "rendered 3d"], "cartoon": ["cartoon"]},
    "backgrounds": {
        "plain": {"phrases": ["on a {color} background", "on {color}"], "colored": True},
        "stripes": {"phrases": ["on a striped {color} background", "on {color} stripes"], "colored": True},
        "grass": {"phrases": ["on grass", "in a meadow", "on the grass under a blue sky"], "colored": False},
        "beach": {"phrases": ["on the beach", "on the sand"], "colored": False},
        "night": {"phrases": ["at night", "under the stars"], "colored": False},
    },
}
KNOWN = vocabulary_from(DATA)


@pytest.mark.parametrize(
    ("said", "kind", "source", "target", "blend", "keep"),
    [
        ("make the apple green", "recolor", "an apple", "a green apple", ("apple",), ()),
        ("Please, could you paint the red apple blue!", "recolor", "a red apple", "a blue apple", ("apple",), ()),
        ("change the colour of the pine tree to red", "recolor", "a pine tree", "a red pine tree", ("pine tree",), ()),
        ("change the cat's color to orange", "recolor", "a cat", "an orange cat", ("cat",), ()),
        ("the apples should be green", "recolor", "apples", "green apples", ("apples",), ()),
        ("turn the kitty into a red fish", "replace", "a cat", "a red fish", ("fish",), ()),
        ("replace the apple with a pear", "replace", "an apple", "a pear", ("pear",), ()),
        ("make the apple a pear", "replace", "an apple", "a pear", ("pear",), ()),
        ("a pear instead of the apple", "replace", "an apple", "a pear", ("pear",), ()),
        ("add a top hat to the cat", "add", "a cat", "a cat and a hat", ("hat",), ("cat",)),
        ("paint a red hat", "add", "a drawing", "a drawing of a red hat", ("hat",), ()),
        ("give the dog a hat", "add", "a dog", "a dog and a hat", ("hat",), ("dog",)),
        ("put a hat above the dog", "add", "a dog", "a hat above a dog", ("hat",), ("dog",)),
        ("remove the two cats", "remove", "two cats", "a plain background", ("cats",), ()),
        ("get rid of the fir", "remove", "a pine tree", "a plain background", ("pine tree",), ()),
        ("make it a cartoon", "style", "a drawing", "a cartoon drawing", (), ()),
        ("redraw the picture in 3d", "style", "a drawing", "a 3d drawing", (), ()),
        ("change the background to blue", "background", "a drawing", "a drawing on a blue background", (), ()),
        ("a striped red background", "background", "a drawing", "a drawing on a striped red background", (), ()),
        ("put the cat in a meadow", "background", "a cat", "a cat on grass", (), ("cat",)),
        ("make it night", "background", "a drawing", "a drawing at night", (), ()),
    ],
)
def test_what_is_said_becomes_a_pair(
    said: str, kind: str, source: str, target: str, blend: tuple[str, ...], keep: tuple[str, ...]
) -> None:
    assert read_instruction(said, KNOWN) == PromptPair(source, target, blend, keep, kind)


@pytest.mark.parametrize(
    ("said", "source", "target"),
    [
        ("make the apple green", "a red apple on grass", "a green apple on grass"),
        ("make it green", "a red apple on grass", "a green apple on grass"),
        ("replace the cat with a dog", "a cat and a red apple on grass", "a dog and a red apple on grass"),
        ("remove the cat", "a cat and a red apple on grass", "a red apple on grass"),
        ("remove the cat", "a flat drawing of a red cat on the beach", "a drawing on the beach"),
        ("put it on the beach", "a red cat at night", "a red cat on the beach"),
        ("make it 3d", "a cat at night", "a 3d drawing of a cat at night"),
        ("add a hat", "a cat", "a cat and a hat"),
    ],
)
def test_what_the_picture_shows_is_kept(said: str, source: str, target: str) -> None:
    pair = read_instruction(said, KNOWN, picture_words=source)
    assert (pair.source, pair.target) == (source, target)


@pytest.mark.parametrize(
    "said", ["make the zebra green", "replace the cat with a zebra", "add a zebra", "remove the zebra"]
)
def test_unknown_words_are_named(said: str) -> None:
    with pytest.raises(RequestError, match="'zebra'") as caught:
        read_instruction(said, KNOWN)
    assert caught.value.code == "unknown-word"


def test_near_words_are_offered() -> None:
    with pytest.raises(RequestError, match="'appel'; near words that it knows: apple"):
        read_instruction("remove the appel", KNOWN)
    with pytest.raises(RequestError, match="'chartreuse' is no colour"):
        read_instruction("make the apple chartreuse", KNOWN)


@pytest.mark.parametrize("said", ["asdf", "do something nice", "apple"])
def test_what_no_rule_reads_asks_for_both_prompts(said: str) -> None:
    with pytest.raises(RequestError, match="--from and --to"):
        read_instruction(said, KNOWN)


@pytest.mark.parametrize(("said", "words"), [("", "empty"), ("x" * 30_000, "30000 characters")])
def test_nothing_and_too_much_are_refused(said: str, words: str) -> None:
    with pytest.raises(RequestError, match=words):
        read_instruction(said, KNOWN)


def test_an_open_vocabulary_takes_any_noun() -> None:
    pair = read_instruction("replace the cat with a fluffy walrus", Vocabulary())
    assert pair == PromptPair("a cat", "a fluffy walrus", ("fluffy walrus",), (), "replace")
    assert read_instruction("change the background to a stormy sea", Vocabulary()).target == "a picture on a stormy sea"


@pytest.mark.parametrize(
    ("source", "target", "kind", "blend"),
    [
        ("a red apple", "a green apple", "recolor", ()),
        ("an apple", "a pear", "rename", ("pear",)),
        ("a cat", "a cat and a hat", "add", ("hat",)),
        ("a cat and a hat", "a cat", "remove", ()),
        ("a cat on grass", "a cat on the beach", "background", ()),
        ("a cat on a red background", "a cat on a green background", "background", ()),
        ("a flat drawing of a cat", "a cartoon drawing of a cat", "style", ()),
        ("a cat on a red background", "a red cat on a red background", "recolor", ()),
    ],
)
def test_a_painters_own_pair_gets_its_kind(source: str, target: str, kind: str, blend: tuple[str, ...]) -> None:
    checked = check_pair(PromptPair(source, target), KNOWN)
    assert (checked.kind, checked.blend) == (kind, blend)


@pytest.mark.parametrize(
    ("source", "target", "kind", "blend"),
    [
        ("a red apple on a table", "a green apple on a table", "recolor", ("apple",)),
        ("a cat on a sofa", "a small dog on a sofa", "rename", ("dog",)),
        ("a dog on grass", "a dog on the beach", "background", ()),
        ("a woman", "a woman with a straw hat", "add", ("hat",)),
        ("a photo of a house", "an oil painting of a house", "style", ()),
        ("a house", "a watercolor of a house", "style", ()),
        ("a lake with boats", "a lake", "remove", ()),
    ],
)
def test_bare_pairs_of_an_open_model_get_their_kind_and_what_points_at_it(
    source: str, target: str, kind: str, blend: tuple[str, ...]
) -> None:
    checked = check_pair(PromptPair(source, target), Vocabulary())
    assert (checked.kind, checked.blend) == (kind, blend)


def test_a_painters_own_kind_and_blend_stay() -> None:
    pair = PromptPair("a cat", "a dog", ("dog",), (), "pose")
    assert check_pair(pair, KNOWN) is pair


def test_a_pair_with_unknown_words_or_none_is_refused() -> None:
    with pytest.raises(RequestError, match="'zebra'"):
        check_pair(PromptPair("a cat", "a zebra"), KNOWN)
    with pytest.raises(RequestError, match="empty"):
        check_pair(PromptPair("", " "), KNOWN)


@pytest.mark.parametrize(
    ("said", "prompt"),
    [
        ("a red hat", "a red hat"),
        ("hat", "a hat"),
        ("two cats", "two cats"),
        ("add a blue hat to the cat", "a blue hat"),
        ("make the apple green", "a green apple"),
    ],
)
def test_what_strokes_show_is_read_from_a_noun_or_an_instruction(said: str, prompt: str) -> None:
    assert read_subject(said, KNOWN) == prompt


@pytest.mark.parametrize("said", ["a zebra", "add a zebra", "red zebra"])
def test_strokes_of_unknown_things_are_named(said: str) -> None:
    with pytest.raises(RequestError, match="zebra"):
        read_subject(said, KNOWN)
