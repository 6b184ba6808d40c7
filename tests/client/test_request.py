"""What is read and sent for which cues, and the sentences for what can't be asked."""

from __future__ import annotations

from dataclasses import replace

import pytest
from client.fake_host import FakeHost, painted, patterned
from scumble_protocol.client.host import Canvas, Marks
from scumble_protocol.client.request import LEAST_CROP_PX, build, crop_for, is_blank
from scumble_protocol.errors import RequestError
from scumble_protocol.geometry import Bounds, Point
from scumble_protocol.messages import (
    AddStrokes,
    Character,
    ColorStrokes,
    Cue,
    Grab,
    Handle,
    Instruction,
    Mask,
    Method,
    PromptPair,
    Settings,
    Slide,
    SubtractStrokes,
)

WIDE = Bounds(0, 0, 4000, 3000)
WHOLE = Canvas("d", WIDE, "l", "Background", WIDE)
PULL = Handle(Point(2000, 1500), Point(2100, 1500))


def test_words_alone_look_at_all_of_the_source_inside_the_canvas() -> None:
    canvas = Canvas("d", Bounds(0, 0, 100, 80), "l", "Background", Bounds(-20, 10, 60, 200))
    assert crop_for(canvas, Marks()) == Bounds(0, 10, 40, 70)


def test_a_mask_gets_context_on_every_side() -> None:
    crop = crop_for(WHOLE, Marks(mask=Bounds(1000, 1000, 600, 400)))
    assert crop == Bounds(700, 700, 1200, 1000)


def test_a_small_mark_still_gets_a_crop_that_a_model_can_see() -> None:
    crop = crop_for(WHOLE, Marks(subtract=Bounds(2000, 2000, 8, 8)))
    assert (crop.width, crop.height) == (LEAST_CROP_PX, LEAST_CROP_PX)
    assert crop.intersected(Bounds(2000, 2000, 8, 8)) == Bounds(2000, 2000, 8, 8)


@pytest.mark.parametrize("corner", [(0, 0), (3992, 0), (0, 2992), (3992, 2992)])
def test_a_crop_near_a_border_is_pushed_inside_rather_than_cut(corner: tuple[int, int]) -> None:
    crop = crop_for(WHOLE, Marks(subtract=Bounds(*corner, 8, 8)))
    assert (crop.width, crop.height) == (LEAST_CROP_PX, LEAST_CROP_PX)
    assert crop.intersected(WIDE) == crop


def test_a_crop_never_exceeds_a_small_canvas() -> None:
    canvas = Canvas("d", Bounds(0, 0, 300, 50), "l", "Background", Bounds(0, 0, 300, 50))
    assert crop_for(canvas, Marks(mask=Bounds(10, 10, 20, 20))) == Bounds(0, 0, 300, 50)


def test_a_bare_drag_looks_further_than_one_that_is_held() -> None:
    bare = crop_for(WHOLE, Marks(handles=(PULL,)))
    held = crop_for(WHOLE, Marks(handles=(PULL,), grab=Bounds(1990, 1490, 40, 40)))
    assert bare.width > held.width
    assert bare.contains(PULL.start)
    assert bare.contains(PULL.end)


def test_a_bare_drag_sends_a_picture_of_a_thousand_pixels_whole() -> None:
    """The thing under the handle may fill it, and its shadow lies beside it."""
    whole = Bounds(0, 0, 1000, 640)
    canvas = Canvas("d", whole, "l", "Background", whole)
    assert crop_for(canvas, Marks(handles=(Handle(Point(500, 300), Point(400, 315)),))) == whole


def test_an_empty_mask_does_not_narrow_a_drag() -> None:
    bare = crop_for(WHOLE, Marks(handles=(PULL,)))
    assert crop_for(WHOLE, Marks(handles=(PULL,), mask=Bounds(0, 0, 0, 0))) == bare


@pytest.mark.parametrize("outside", [Point(-1, 5), Point(4000, 5), Point(5, 3000), Point(float("nan"), 5)])
def test_a_handle_outside_the_canvas_is_refused_with_its_number_and_place(outside: Point) -> None:
    with pytest.raises(RequestError, match=r"Handle 2 leaves the picture.*4000×3000") as caught:
        crop_for(WHOLE, Marks(handles=(PULL, Handle(Point(5, 5), outside))))
    assert caught.value.code == "handle-outside"


def test_a_source_outside_the_canvas_is_refused_by_name() -> None:
    canvas = Canvas("d", Bounds(0, 0, 100, 80), "l", "Sky", Bounds(200, 0, 50, 50))
    with pytest.raises(RequestError, match="“Sky” has no pixels"):
        crop_for(canvas, Marks())


def test_cues_arrive_in_crop_pixels_in_a_fixed_order() -> None:
    size, spot = (40, 30), Bounds(12, 12, 4, 4)
    planes = {name: painted(*size, spot) for name in ("add", "subtract", "mask", "grab")}
    host = FakeHost(patterned(*size), (Handle(Point(14, 15), Point(20, 15)),), color=painted(*size, spot, 4), **planes)
    snapshot = host.read(host.canvas(), Bounds(10, 10, 20, 20))
    request = build(snapshot, settings=Settings(seed=3))
    kinds = [type(cue) for cue in request.edit.cues]
    assert kinds == [Handle, AddStrokes, SubtractStrokes, ColorStrokes, Mask, Grab]
    assert request.edit.cues[0] == Handle(Point(4, 5), Point(10, 5))
    assert request.edit.settings.seed == 3
    assert request.snapshot is snapshot
    assert request.notes == ()


@pytest.mark.parametrize("name", ["add", "subtract", "color"])
def test_empty_strokes_alone_say_what_to_paint(name: str) -> None:
    host = FakeHost(patterned(8, 8), **{name: painted(8, 8, Bounds(0, 0, 0, 0), 4 if name == "color" else 1)})
    with pytest.raises(RequestError, match="strokes are empty: paint"):
        build(host.read(host.canvas(), Bounds(0, 0, 8, 8)))


def test_empty_strokes_beside_a_drag_are_left_out_and_said() -> None:
    blank = painted(8, 8, Bounds(0, 0, 0, 0))
    host = FakeHost(patterned(8, 8), (Handle(Point(1, 1), Point(5, 5)),), add=blank)
    request = build(host.read(host.canvas(), Bounds(0, 0, 8, 8)))
    assert [type(cue) for cue in request.edit.cues] == [Handle]
    assert "add strokes are empty" in request.notes[0]


def test_an_empty_mask_means_everywhere_and_says_so() -> None:
    host = FakeHost(patterned(8, 8), (Handle(Point(1, 1), Point(5, 5)),), mask=painted(8, 8, Bounds(0, 0, 0, 0)))
    request = build(host.read(host.canvas(), Bounds(0, 0, 8, 8)))
    assert Mask not in {type(cue) for cue in request.edit.cues}
    assert request.notes == ("The mask is empty, so everything may change.",)


@pytest.mark.parametrize("words", [None, Instruction("  \n"), PromptPair(" ", "")])
def test_nothing_placed_and_nothing_said_is_refused(words: Instruction | PromptPair | None) -> None:
    host = FakeHost(patterned(8, 8))
    with pytest.raises(RequestError, match="Nothing was asked for"):
        build(host.read(host.canvas(), Bounds(0, 0, 8, 8)), words)


def test_the_engines_own_rules_hold_before_anything_is_sent() -> None:
    host = FakeHost(patterned(8, 8), (Handle(Point(3, 3), Point(3, 3)),))
    with pytest.raises(RequestError):
        build(host.read(host.canvas(), Bounds(0, 0, 8, 8)))


def test_colour_strokes_are_blank_by_their_alpha_alone() -> None:
    transparent_red = bytes([255, 0, 0, 0]) * 4
    plane = patterned(2, 2)
    assert is_blank(type(plane)(2, 2, 4, "u8", transparent_red))
    assert not is_blank(type(plane)(2, 2, 4, "u8", transparent_red[:-1] + b"\1"))


# ---- characters -----------------------------------------------------------------------------------------------------

FACE = Character("creatures", Bounds(12, 10, 20, 20), "AACAPw==")


def asked_of(
    character: Character | None, *handles: Handle, method: Method = "auto", slides: tuple[Slide, ...] = ()
) -> tuple[Cue, ...]:
    host = FakeHost(patterned(40, 40), handles)
    snapshot = replace(host.read(host.canvas(), Bounds(10, 10, 30, 30)), character=character, slides=slides)
    return build(snapshot, settings=Settings(method)).edit.cues


ON = Handle(Point(20, 20), Point(25, 20))
OFF = Handle(Point(36, 36), Point(30, 36))


def test_handles_on_a_character_are_about_it_in_crop_pixels() -> None:
    character, handle = asked_of(FACE, ON)
    assert character == replace(FACE, place=Bounds(2, 0, 20, 20))
    assert handle == Handle(Point(10, 10), Point(15, 10))


@pytest.mark.parametrize(("method", "about_it"), [("auto", False), ("gan", True)])
def test_a_handle_beside_a_character_is_about_it_only_when_forced(method: Method, about_it: bool) -> None:
    assert (Character in {type(cue) for cue in asked_of(FACE, ON, OFF, method=method)}) is about_it


@pytest.mark.parametrize("method", ["warp", "latent"])
def test_other_methods_take_a_character_for_any_picture(method: Method) -> None:
    assert [type(cue) for cue in asked_of(FACE, ON, method=method)] == [Handle]


def test_a_new_character_asks_for_itself_and_sliders_for_one() -> None:
    assert [type(cue) for cue in asked_of(replace(FACE, ws=""))] == [Character]
    assert [type(cue) for cue in asked_of(FACE, slides=(Slide("yaw", 1.0),))] == [Character, Slide]
    with pytest.raises(RequestError, match="Nothing was asked for"):
        asked_of(FACE)
    with pytest.raises(RequestError, match="Only a character"):
        asked_of(None, slides=(Slide("yaw", 1.0),))
    with pytest.raises(RequestError, match="goes from -6 to 6"):
        asked_of(FACE, slides=(Slide("yaw", float("nan")),))


def test_all_of_a_character_is_read() -> None:
    face = Bounds(0, 0, 3000, 3000)
    assert crop_for(WHOLE, Marks((PULL,), character=face)).united(face) == crop_for(
        WHOLE, Marks((PULL,), character=face)
    )
