"""What of a language model's answer is believed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from scumble_engine.assist.schema import EXAMPLES, Nonsense, answered, messages_for, pair_in, plain_text
from scumble_engine.assist.vocabulary import Thing, Vocabulary
from scumble_protocol.messages import PromptPair

OPEN = Vocabulary()
GOOD: dict[str, Any] = {
    "source": "A red apple.",
    "target": "a green apple",
    "blend": ["apple"],
    "keep": [],
    "kind": "recolor",
}
SAID = "make the apple green"


def test_a_good_answer_is_taken_whatever_surrounds_it() -> None:
    pair = PromptPair("a red apple", "a green apple", ("apple",), (), "recolor")
    for text in (json.dumps(GOOD), f"Sure! {json.dumps(GOOD)} And another: {{}}", json.dumps(GOOD, indent=2)):
        assert pair_in(text, SAID, OPEN) == pair


@pytest.mark.parametrize(("asked", "answer"), EXAMPLES)
def test_the_examples_keep_their_own_rules(asked: tuple[str, str], answer: Any) -> None:
    assert pair_in(answered(answer), asked[0], OPEN).kind == answer[-1]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"kind": "explode"}, "kind"),
        ({"extra": 1}, "keys"),
        ({"target": ""}, "empty"),
        ({"target": 3}, "no text"),
        ({"target": "x" * 500}, "too long"),
        ({"target": "a green\x00apple"}, "no text"),
        ({"target": "a red apple"}, "same"),
        ({"blend": "apple"}, "list"),
        ({"blend": ["pear"]}, "neither prompt"),
        ({"blend": ["app"]}, "neither prompt"),
        ({"keep": [["apple"]]}, "list"),
        ({"keep": ["a"] * 9}, "list"),
        ({"source": "a dog", "target": "a cat", "blend": []}, "something else"),
    ],
)
def test_nonsense_is_named(change: dict[str, Any], why: str) -> None:
    with pytest.raises(Nonsense, match=why):
        pair_in(json.dumps(GOOD | change), SAID, OPEN)


@pytest.mark.parametrize("text", ["", "I can't do that.", "[1, 2]", '{"source": "a', "{" * 5000, "null"])
def test_what_is_no_object_is_nonsense(text: str) -> None:
    with pytest.raises(Nonsense, match="no JSON object"):
        pair_in(text, SAID, OPEN)


def test_words_that_the_picture_s_model_does_not_know_are_nonsense() -> None:
    known = Vocabulary((Thing("apple", "apples"),), ("red", "green"))
    assert pair_in(json.dumps(GOOD), SAID, known).kind == "recolor"
    with pytest.raises(Nonsense, match="shiny"):
        pair_in(json.dumps(GOOD | {"target": "a shiny green apple"}), SAID, known)


def test_the_question_comes_last_and_names_what_the_model_knows() -> None:
    known = Vocabulary((Thing("apple", "apples"),), ("red", "green"))
    chat = messages_for(SAID, "a red apple", known)
    assert [one["role"] for one in chat] == ["user", "assistant"] * (len(chat) // 2) + ["user"]
    assert SAID in chat[-1]["content"]
    assert "nouns: apple; only these colours: red, green" in chat[0]["content"]
    assert plain_text(chat).endswith(f"{chat[-1]['content']}\nAnswer: ")
