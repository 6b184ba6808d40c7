from __future__ import annotations

import random

from scumble_engine.training.bank import SpriteBank
from scumble_engine.training.captions import STYLE_WORDS, Describer
from scumble_engine.training.palette import COLORS
from scumble_engine.training.scenes import Background, Scene, SceneObject, SceneSampler

from .conftest import CONCEPTS

GRASS = Background("grass", None, (0.5,) * 6)


def test_the_plain_caption_says_everything_in_fixed_words(describer: Describer) -> None:
    apple = SceneObject("apple", "flat", "blue", (0.2, 0.5), 0.4)
    star = SceneObject("star", "flat", None, (0.8, 0.5), 0.4)
    assert describer.plain(Scene((apple, star), GRASS)).text == "a flat drawing of a blue apple and a star on grass"
    assert describer.plain(Scene((apple, apple), GRASS)).text == "a flat drawing of two blue apples on grass"


def test_a_given_color_is_always_said_and_no_other(bank: SpriteBank, describer: Describer) -> None:
    draw = random.Random(0)
    scenes = [s for s in SceneSampler(bank, 2).batch(600) if len(s.objects) == 1 and s.background.color is None]
    assert len(scenes) > 100
    for scene in scenes:
        item, words = scene.objects[0], describer.vary(scene, draw).text.replace(",", "").split()
        said = [word for word in words if word in COLORS]
        own = bank.natural_of(item.concept, item.style)
        assert item.color in said if item.color else set(said) <= {own, "green", "blue"}  # green grass, blue sky


def test_relations_are_true(describer: Describer) -> None:
    left = SceneObject("apple", "flat", None, (0.2, 0.5), 0.3)
    right = SceneObject("star", "flat", None, (0.8, 0.5), 0.3)
    draw = random.Random(1)
    texts = [describer.vary(Scene((left, right), GRASS), draw).text for _ in range(200)]
    related = [text for text in texts if " left of " in text or " right of " in text]
    assert len(related) > 20
    for text in related:
        assert ("left of" in text) == (text.index("apple") < text.index("star"))
    assert not [text for text in texts if " above " in text or " below " in text]


def test_marked_pieces_name_their_objects(bank: SpriteBank, describer: Describer) -> None:
    draw = random.Random(3)
    names = {c.name: (c.name, c.plural, *c.synonyms) for c in CONCEPTS}
    for scene in SceneSampler(bank, 4).batch(200):
        for text, index in describer.vary(scene, draw).pieces:
            if index is not None:
                assert any(word in text for word in names[scene.objects[index].concept])


def test_a_style_is_said_truly_or_not_at_all(bank: SpriteBank, describer: Describer) -> None:
    draw = random.Random(5)
    said = 0
    for scene in SceneSampler(bank, 6).batch(300):
        text = describer.vary(scene, draw).text
        wrong = "3d" if scene.objects[0].style == "flat" else "flat"
        assert wrong not in text
        said += any(word in text for word in STYLE_WORDS[scene.objects[0].style])
    assert 120 < said < 260
