"""Needleman-Wunsch on prompts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from scumble_engine.diffusion.alignment import align, replaced


def _align(source: str, target: str) -> tuple[int, ...]:
    ids = {word: number for number, word in enumerate(sorted({*source.split(), *target.split()}))}
    return align([ids[word] for word in source.split()], [ids[word] for word in target.split()])


def test_a_replaced_word_has_no_partner_and_the_rest_does() -> None:
    assert _align("a red apple on grass", "a red pear on grass") == (0, 1, -1, 3, 4)


def test_an_added_word_shifts_what_follows() -> None:
    assert _align("an apple on grass", "an ripe apple on green grass") == (0, -1, 1, 2, -1, 3)


def test_a_removed_word_is_skipped() -> None:
    assert _align("a cat with a hat", "a cat") == (0, 1)


def test_the_word_that_gave_way_is_found() -> None:
    pairs = _align("a red apple on grass", "a red pear on grass")
    ids = [0, 1, 2, 3, 4]
    assert replaced(ids, pairs, [2]) == (2,)
    assert replaced(ids, pairs, [1]) == ()


@given(st.lists(st.integers(0, 5), max_size=12), st.lists(st.integers(0, 5), max_size=12))
def test_partners_are_equal_words_in_order(source: list[int], target: list[int]) -> None:
    pairs = align(source, target)
    assert len(pairs) == len(target)
    partners = [pair for pair in pairs if pair >= 0]
    assert partners == sorted(set(partners))
    assert all(source[pair] == target[j] for j, pair in enumerate(pairs) if pair >= 0)


@given(st.lists(st.integers(0, 5), max_size=12))
def test_a_prompt_aligns_with_itself_completely(words: list[int]) -> None:
    assert align(words, words) == tuple(range(len(words)))
