"""The magic brush on tiny random models: where it may paint, what it is asked for, what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from scumble_engine.assist import guesser
from scumble_engine.edits.brush import brush
from scumble_engine.edits.work import Sketch, Step
from scumble_engine.imaging.arrays import array_of
from scumble_engine.imaging.strokes import enclosed
from scumble_protocol.errors import RequestError
from scumble_protocol.messages import Cue, Edit, Instruction, Settings
from strokes import TinyShelf, add, color, disc, illustration, mask, ring, run, subtract, whole_alpha
from tiny_models import tiny_model

PICTURE = illustration()
RING = ring(PICTURE, 60, 40, 12)
SAY = Instruction("a cat")


def _shelf() -> TinyShelf:
    return TinyShelf(tiny_model("sd2", vae="linear", latent_channels=16))


def _edit(*cues: Cue, **settings: object) -> Edit:
    return Edit(PICTURE, cues, Settings(**{"steps": 3, **settings}))  # type: ignore[arg-type]


def _painted(edit: Edit) -> np.ndarray:  # type: ignore[type-arg]
    """Return the picture with the layer over it."""
    layer, _ = run(brush(edit, _shelf(), "final"))  # type: ignore[arg-type]
    flat, b = array_of(PICTURE.plane).astype(float), layer.bounds
    rgba = array_of(layer.plane).astype(float)
    alpha = rgba[..., 3:] / 255
    here = flat[b.y : b.bottom, b.x : b.right]
    here[...] = rgba[..., :3] * alpha + here * (1 - alpha)
    return flat


def test_only_the_strokes_grown_region_is_painted() -> None:
    layer, seen = run(brush(_edit(add(RING), SAY), _shelf(), "final"))  # type: ignore[arg-type]
    alpha = whole_alpha(layer, PICTURE)
    assert alpha[40, 60] > 200, "what the drawing encloses belongs to it"
    assert not alpha[~disc(PICTURE, 60, 40, 24)].any()
    assert any(isinstance(one, Sketch) for one in seen)
    assert [one.done for one in seen if isinstance(one, Step) and one.stage == "painting"] == [1, 2, 3]


def test_the_mask_bounds_the_strokes() -> None:
    allowed = np.zeros((80, 96), bool)
    allowed[:, :60] = True
    layer, _ = run(brush(_edit(add(RING), SAY, mask(allowed)), _shelf(), "final"))  # type: ignore[arg-type]
    alpha = whole_alpha(layer, PICTURE)
    assert alpha[:, :60].any()
    assert not alpha[:, 60:].any()


def test_colour_strokes_pull_towards_their_colour() -> None:
    where = disc(PICTURE, 60, 40, 10)
    wanted = np.array([250, 206, 40])
    flat = _painted(_edit(color(where, (250, 206, 40)), steps=8))
    other = _painted(_edit(color(where, (42, 98, 214)), steps=8))
    core = disc(PICTURE, 60, 40, 6)
    assert np.abs(flat[core].mean(0) - wanted).sum() < 0.5 * np.abs(other[core].mean(0) - wanted).sum()


def test_edges_and_colours_are_asked_for_together() -> None:
    from scumble_engine.edits.brush import conditions_of, prepared, region_of, strokes_of
    from scumble_engine.edits.model_window import open_window
    from scumble_engine.edits.scene import open_scene

    edit = _edit(add(RING), color(disc(PICTURE, 60, 40, 6), (250, 206, 40)))
    scene, model = open_scene(edit), _shelf().diffusion
    window, strokes = open_window(scene, model), strokes_of(edit)
    region = region_of(scene, strokes)
    asked = conditions_of(model, window, strokes, region, prepared(window, strokes, region))
    assert asked.lines is not None
    assert asked.colors is not None
    assert asked.painted is not None
    assert asked.lines.sum() > 20
    inside = asked.painted[0, 0] > 0
    assert np.allclose(asked.colors[0, :, inside].mean(1).numpy() * 255, (250, 206, 40), atol=2)


def test_subtract_strokes_clear_the_ground_first() -> None:
    from scumble_engine.edits.brush import prepared, region_of, strokes_of
    from scumble_engine.edits.model_window import open_window
    from scumble_engine.edits.scene import open_scene

    edit = _edit(subtract(disc(PICTURE, 40, 40, 20)), SAY)
    scene, model = open_scene(edit), _shelf().diffusion
    strokes = strokes_of(edit)
    start = prepared(open_window(scene, model, scene.whole), strokes, region_of(scene, strokes))
    assert start.srgb[40, 40, 0] < 0.4, "the red disc is gone from where painting starts"


def test_the_same_request_gives_the_same_layer() -> None:
    first, _ = run(brush(_edit(add(RING), SAY), _shelf(), "final"))  # type: ignore[arg-type]
    again, _ = run(brush(_edit(add(RING), SAY), _shelf(), "final"))  # type: ignore[arg-type]
    other, _ = run(brush(_edit(add(RING), SAY, seed=3), _shelf(), "final"))  # type: ignore[arg-type]
    assert first.plane == again.plane
    assert other.plane != first.plane


def test_words_become_the_prompt_and_the_reading() -> None:
    layer, _ = run(brush(_edit(add(RING), Instruction("add a red hat")), _shelf(), "final"))  # type: ignore[arg-type]
    assert layer.reading is not None
    assert layer.reading.target == "a red hat"


def test_without_words_the_guess_is_used_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    class Sure:
        def guess(self, lines: np.ndarray, picture: np.ndarray) -> tuple[tuple[str, ...], tuple[float, ...]]:  # type: ignore[type-arg]
            assert lines.any()
            return ("hat", "cat"), (0.8, 0.1)

    monkeypatch.setattr(guesser, "load_guesser", lambda: Sure())
    edit = _edit(add(RING), color(disc(PICTURE, 60, 40, 5), (214, 38, 38)))
    layer, _ = run(brush(edit, _shelf(), "final"))  # type: ignore[arg-type]
    assert layer.reading is not None
    assert layer.reading.target == "a red hat"
    assert "a red hat" in layer.notes[0]


def test_a_guess_that_is_not_sure_is_a_question(monkeypatch: pytest.MonkeyPatch) -> None:
    class Unsure:
        def guess(self, lines: np.ndarray, picture: np.ndarray) -> tuple[tuple[str, ...], tuple[float, ...]]:  # type: ignore[type-arg]
            return ("apple", "cat", "hat"), (0.22, 0.2, 0.1)

    monkeypatch.setattr(guesser, "load_guesser", lambda: Unsure())
    with pytest.raises(RequestError, match=r"an apple \(22 %\), a cat \(20 %\) or a hat \(10 %\); say what they show"):
        run(brush(_edit(add(RING)), _shelf(), "final"))  # type: ignore[arg-type]


def test_what_went_through_the_autoencoder_is_counted() -> None:
    layer, _ = run(brush(_edit(add(RING), SAY), _shelf(), "final"))  # type: ignore[arg-type]
    made = layer.provenance
    assert made.forwards == 2 * 3
    assert 0 < made.autoencoder_passes <= 10, "strokes are seen by a linear map, not through the decoder"


@pytest.mark.parametrize(
    ("cues", "words"),
    [
        ((add(np.zeros((80, 96), bool)),), "strokes are empty"),
        ((add(RING), subtract(RING)), "cover the same place"),
        ((add(RING), mask(disc(PICTURE, 10, 70, 5))), "outside the mask"),
        ((add(np.zeros((10, 10), bool)),), "10×10"),
        ((color(np.ones((10, 10), bool), (1, 2, 3)),), "10×10"),
    ],
)
def test_strokes_that_cannot_be_used_are_refused(cues: tuple[Cue, ...], words: str) -> None:
    with pytest.raises(RequestError, match=words):
        run(brush(_edit(*cues, SAY), _shelf(), "final"))  # type: ignore[arg-type]


def test_strokes_over_everything_paint_everything() -> None:
    layer, _ = run(brush(_edit(add(np.ones((80, 96), bool)), SAY), _shelf(), "final"))  # type: ignore[arg-type]
    assert whole_alpha(layer, PICTURE).all()


def test_a_drawing_with_a_small_gap_still_encloses() -> None:
    gap = RING.copy()
    gap[38:41, 70:76] = False
    assert enclosed(gap)[40, 60]
    assert not enclosed(np.roll(np.eye(80, 96, dtype=bool), 0))[10, 60]


def test_a_drawn_shape_starts_in_the_colour_dabbed_into_it() -> None:
    from scumble_engine.imaging.strokes import tinted

    srgb = np.full((40, 60, 3), 0.5, np.float32)
    inside = np.zeros((40, 60), bool)
    inside[5:20, 5:20] = inside[25:35, 30:50] = True
    color = np.zeros((40, 60, 4), np.uint8)
    color[10:12, 8:14] = (255, 0, 0, 255)
    filled = tinted(srgb, inside, color)
    assert (filled[5:20, 5:20] == (1.0, 0.0, 0.0)).all()
    assert (filled[~inside] == 0.5).all()
    assert (filled[25:35, 30:50] == 0.5).all()
    assert tinted(srgb, inside, np.zeros_like(color)) is srgb
