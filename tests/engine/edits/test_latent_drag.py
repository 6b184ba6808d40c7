"""Drags on latents with tiny random models: bounds, order, what T1 and T2 share with the warp."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scumble_engine.edits import choose
from scumble_engine.edits.latent_drag import gathered, latent_drag, on_latents
from scumble_engine.edits.work import Sketch, Step
from scumble_protocol.errors import RequestError
from scumble_protocol.geometry import Point
from scumble_protocol.messages import Cue, Edit, Handle, Settings
from scumble_protocol.pixels import Picture, Plane
from strokes import TinyShelf, illustration, mask, run, whole_alpha
from tiny_models import tiny_model

PICTURE = illustration()
HANDLE = Handle(Point(40.5, 40.5), Point(64.5, 40.5))


def _shelf() -> TinyShelf:
    return TinyShelf(tiny_model("sd2", vae="linear", latent_channels=16))


def _edit(*cues: Cue, **settings: object) -> Edit:
    return Edit(PICTURE, cues, Settings(**{"steps": 2, "method": "latent", **settings}))  # type: ignore[arg-type]


def test_the_disc_arrives_and_what_it_uncovers_is_painted() -> None:
    layer, seen = run(latent_drag(_edit(HANDLE), _shelf(), "final"))  # type: ignore[arg-type]
    alpha = whole_alpha(layer, PICTURE)
    assert alpha[40, 70] > 200
    assert alpha[40, 26] > 200
    assert not alpha[:, :6].any()
    assert layer.provenance.method == "latent"
    assert layer.provenance.forwards > 0
    stages = [one.stage for one in seen if isinstance(one, Step)]
    assert stages.index("studying") < stages.index("moving") < stages.index("painting")
    assert any(isinstance(one, Sketch) for one in seen)


def test_the_mask_bounds_it() -> None:
    allowed = np.zeros((80, 96), bool)
    allowed[10:70, 10:80] = True
    layer, _ = run(latent_drag(_edit(HANDLE, mask(allowed)), _shelf(), "final"))  # type: ignore[arg-type]
    alpha = whole_alpha(layer, PICTURE)
    assert alpha[allowed].any()
    assert not alpha[~allowed].any()


def test_it_is_repeatable() -> None:
    layers = [run(latent_drag(_edit(HANDLE), _shelf(), "final"))[0] for _ in range(2)]  # type: ignore[arg-type]
    assert layers[0].plane == layers[1].plane


def test_the_pictures_own_adapter_is_trained_once_and_taken_out(monkeypatch: pytest.MonkeyPatch) -> None:
    import scumble_engine.edits.latent_drag as module
    from scumble_engine.diffusion import lora

    monkeypatch.setattr(module, "train_lora", lambda *how: lora.train_lora(*how, steps=2))
    shelf = _shelf()
    plain, _ = run(latent_drag(_edit(HANDLE), shelf, "final"))  # type: ignore[arg-type]
    fitted, _ = run(latent_drag(_edit(HANDLE, fidelity="lora"), shelf, "final"))  # type: ignore[arg-type]
    again, _ = run(latent_drag(_edit(HANDLE), shelf, "final"))  # type: ignore[arg-type]
    assert fitted.provenance.forwards > plain.provenance.forwards
    assert again.plane == plain.plane


def test_a_doubtful_handle_is_said_in_words_that_are_true() -> None:
    flat = Picture(Plane(64, 64, 3, "u8", bytes([120, 130, 140]) * 64 * 64))
    layers = [
        run(choose.perform(Edit(flat, (HANDLE,), Settings(method=method, steps=2)), _shelf(), "final"))[0]  # type: ignore[arg-type]
        for method in ("latent", "warp")
    ]
    cut, bent = ("".join(layer.notes) for layer in layers)
    assert "was cut out" in cut
    assert "bent" not in cut
    assert "was bent" in bent


def test_a_preview_is_the_warps() -> None:
    layer, _ = run(latent_drag(_edit(HANDLE), _shelf(), "preview"))  # type: ignore[arg-type]
    assert layer.provenance.method == "warp"


def test_handles_that_go_nowhere_are_refused() -> None:
    still = Handle(Point(40.5, 40.5), Point(40.5, 40.5))
    with pytest.raises(RequestError, match="ends where it starts"):
        run(latent_drag(_edit(still), _shelf(), "final"))  # type: ignore[arg-type]


def test_noise_goes_along_with_what_it_belongs_to_and_holes_get_fresh_noise() -> None:
    from scumble_engine.edits.drag import compose
    from scumble_engine.edits.hold import cut_out
    from scumble_engine.edits.model_window import open_window
    from scumble_engine.edits.scene import open_scene
    from scumble_engine.imaging.warp import motion_of

    edit, model = _edit(HANDLE), _shelf().diffusion
    scene = open_scene(edit)
    held = cut_out(edit, scene)
    motions = [motion_of([(HANDLE.start, HANDLE.end)])]
    place, plane = compose(scene, held, motions, held.hint)
    window = open_window(scene, model, scene.whole)
    moved = on_latents(window, held, motions, window.under(plane, place), model.stride)
    height, width = moved.origin.shape
    noise = torch.randn(1, 16, height, width, generator=torch.Generator().manual_seed(0))
    carried = gathered(noise, moved, seed=1)
    cell = [int(p * n / side) for p, n, side in ((40.5, height, 80), (64.5, width, 96))]
    before = [int(p * n / side) for p, n, side in ((40.5, height, 80), (40.5, width, 96))]
    assert torch.equal(carried[0, :, cell[0], cell[1]], noise[0, :, before[0], before[1]])
    hole = moved.uncovered[0, 0] > 0
    assert hole.any()
    assert not torch.isclose(carried[0, :, hole], noise[0, :, hole]).any()
