"""The layer goes where the result says, under a painter's name, with a recipe; what doesn't fit is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from client.fake_host import FakeHost, layer_result, painted, patterned
from scumble_protocol.client.placement import draft_recipe, layer_name, plan_layer, unused_name
from scumble_protocol.client.recipe import from_json, picture_sha256
from scumble_protocol.client.request import Request, build
from scumble_protocol.errors import ProtocolError
from scumble_protocol.geometry import Bounds, Point
from scumble_protocol.messages import Cue, Edit, Handle, Instruction, PromptPair, Settings, SubtractStrokes
from scumble_protocol.pixels import Depth, Picture

CROP = Bounds(10, 5, 20, 16)


def erase_request() -> Request:
    host = FakeHost(patterned(40, 30), subtract=painted(40, 30, Bounds(12, 8, 6, 4)))
    return build(host.read(host.canvas(), CROP), settings=Settings(seed=7))


def test_the_layer_lands_in_document_pixels_above_its_source() -> None:
    request = erase_request()
    result = layer_result(Bounds(1, 2, 9, 8), notes=("Filled by photo-fill.",))
    plan = plan_layer(request, result, draft_recipe(request))
    assert (plan.name, plan.above, plan.bounds) == ("Erase", "layer-1", Bounds(11, 7, 9, 8))
    assert plan.picture == Picture(result.plane)
    assert plan.notes == ("Filled by photo-fill.",)


def test_the_recipe_holds_what_was_asked_and_what_answered() -> None:
    request = erase_request()
    result = layer_result(Bounds(1, 2, 9, 8))
    recipe = from_json(plan_layer(request, result, draft_recipe(request)).recipe)
    assert recipe.region == CROP
    assert recipe.source_name == "Background"
    assert recipe.picture_sha256 == picture_sha256(request.edit.picture)
    assert recipe.planes_on(CROP) == {"subtract": request.snapshot.subtract}
    assert recipe.provenance == result.provenance
    assert recipe.settings.seed == 7


@pytest.mark.parametrize(
    ("bounds", "depth"),
    [(Bounds(15, 0, 9, 8), "u8"), (Bounds(-1, 0, 9, 8), "u8"), (Bounds(0, 0, 9, 8), "u16")],
)
def test_a_layer_that_does_not_fit_what_was_sent_is_refused(bounds: Bounds, depth: Depth) -> None:
    with pytest.raises(ProtocolError, match="nothing was changed"):
        plan_layer(erase_request(), layer_result(bounds, depth), None)


def test_a_layer_made_again_by_other_means_says_which() -> None:
    request, result = erase_request(), layer_result(Bounds(0, 0, 9, 8))
    same = replace(request, made_by=replace(result.provenance, seconds=99.0))
    other = replace(request, made_by=replace(result.provenance, weights_sha256="00", device="cuda:0"))
    assert plan_layer(same, result, None).notes == ()
    assert plan_layer(other, result, None).notes == (
        "Since this layer was made, the weights and device changed, so the new layer may differ.",
    )


PULL = Handle(Point(1, 1), Point(2, 2))
ERASE = SubtractStrokes(painted(4, 4, Bounds(0, 0, 4, 4)))
NAMES: list[tuple[tuple[Cue, ...], str]] = [
    ((PULL,), "Drag 1 handle"),
    ((PULL, PULL), "Drag 2 handles"),
    ((ERASE,), "Erase"),
    ((Instruction("make the\n apple green"),), "Say: make the apple green"),
    ((PromptPair("a red apple", "a green apple"),), "Say: a red apple → a green apple"),
    ((PULL, ERASE, Instruction("Paris at night")), "Drag 1 handle, erase, say: Paris at night"),
]


@pytest.mark.parametrize(("cues", "name"), NAMES)
def test_layers_are_named_by_their_cues(cues: tuple[Cue, ...], name: str) -> None:
    assert layer_name(Edit(Picture(patterned(4, 4)), cues)) == name


def test_a_long_sentence_is_cut_in_the_name() -> None:
    name = layer_name(Edit(Picture(patterned(4, 4)), (Instruction("make it " + "very " * 100),)))
    assert len(name) <= 60
    assert name.endswith("…")


def test_a_taken_name_is_numbered() -> None:
    assert unused_name("Erase", ()) == "Erase"
    assert unused_name("Erase", {"Erase", "Erase 2"}) == "Erase 3"
