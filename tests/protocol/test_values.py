"""Points, bounds, planes, pictures and errors: the plain values beneath the messages."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scumble_protocol.errors import Cancelled, EngineError, ProtocolError, RequestError, ScumbleError, error_for
from scumble_protocol.geometry import NOWHERE, Bounds, Point, bounds_of_points
from scumble_protocol.messages import Edit, Handle, Instruction, cue_names
from scumble_protocol.pixels import MAX_ICC_BYTES, Picture, Plane, plane_bytes

whole = st.integers(-50, 50)
bounds = st.builds(Bounds, whole, whole, st.integers(0, 60), st.integers(0, 60))


def pixels(area: Bounds) -> set[tuple[int, int]]:
    return {(x, y) for x in range(area.x, area.right) for y in range(area.y, area.bottom)}


@given(bounds, bounds)
def test_the_common_part_is_the_common_pixels(one: Bounds, other: Bounds) -> None:
    common = one.intersected(other)
    assert pixels(common) == pixels(one) & pixels(other)
    assert common.width >= 0
    assert common.height >= 0


@given(bounds, bounds)
def test_the_union_is_the_smallest_that_holds_both(one: Bounds, other: Bounds) -> None:
    united = one.united(other)
    held = pixels(one) | pixels(other)
    assert held <= pixels(united)
    if held:
        assert united.x == min(x for x, _ in held)
        assert united.bottom == max(y for _, y in held) + 1


@given(bounds, whole, whole)
def test_a_point_is_inside_with_its_pixel(area: Bounds, x: int, y: int) -> None:
    assert area.contains(Point(x + 0.5, y + 0.5)) == ((x, y) in pixels(area))


def test_bounds_grow_move_and_shrink() -> None:
    assert Bounds(1, 2, 3, 4).grown(2) == Bounds(-1, 0, 7, 8)
    assert Bounds(1, 2, 3, 4).grown(-2).empty
    assert Bounds(1, 2, 3, 4).moved(-1, 5) == Bounds(0, 7, 3, 4)
    assert Point(1, 2).moved(0.5, -2) == Point(1.5, 0)


def test_the_bounds_of_points_hold_their_pixels() -> None:
    assert bounds_of_points([]) == NOWHERE
    assert bounds_of_points([Point(-0.5, 0.0), Point(3.99, 2.0)]) == Bounds(-1, 0, 5, 3)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((0, 1, 1, "u8"), "sides"),
        ((1, 65_537, 1, "u8"), "sides"),
        ((-1, -1, 1, "u8"), "sides"),
        ((1, 1, 5, "u8"), "channels"),
        ((1, 1, 0, "u8"), "channels"),
        ((1, 1, 1, "u32"), "depth"),
        ((65_536, 65_536, 4, "f32"), "too many"),
    ],
)
def test_shapes_outside_the_limits_are_refused(shape: tuple[int, int, int, str], words: str) -> None:
    with pytest.raises(RequestError, match=words):
        plane_bytes(*shape)


def test_a_planes_bytes_must_be_as_many_as_it_says() -> None:
    assert plane_bytes(3, 2, 4, "f16") == 48
    with pytest.raises(RequestError, match="needs 6 bytes but came with 5"):
        Plane(3, 2, 1, "u8", bytes(5))
    Plane(2, 2, 1, "f32", memoryview(struct.pack("<4f", 1, 2, 3, 4)).cast("f"))


def test_a_planes_digest_depends_on_shape_depth_and_samples() -> None:
    planes = [
        Plane(4, 1, 1, "u8", b"abcd"),
        Plane(1, 4, 1, "u8", b"abcd"),
        Plane(1, 1, 4, "u8", b"abcd"),
        Plane(2, 1, 1, "u16", b"abcd"),
        Plane(2, 1, 1, "f16", b"abcd"),
        Plane(4, 1, 1, "u8", b"abce"),
    ]
    assert len({plane.sha256() for plane in planes}) == len(planes)
    assert planes[0].sha256() == Plane(4, 1, 1, "u8", bytearray(b"abcd")).sha256()


@pytest.mark.parametrize(
    ("space", "icc"), [("icc", b""), ("srgb", b"x"), ("icc", bytes(MAX_ICC_BYTES + 1)), ("cmyk", b"")]
)
def test_a_pictures_space_and_profile_must_agree(space: str, icc: bytes) -> None:
    with pytest.raises(RequestError, match="colour"):
        Picture(Plane(1, 1, 3, "u8", b"rgb"), space, icc)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("code", "kind", "exit_code"),
    [
        ("cancelled", Cancelled, 1),
        ("engine-lost", EngineError, 1),
        ("protocol-version", ProtocolError, 3),
        ("bad-message", ProtocolError, 3),
        ("handle-outside", RequestError, 2),
    ],
)
def test_a_failures_code_says_whose_fault_it_is(code: str, kind: type[ScumbleError], exit_code: int) -> None:
    error = error_for(code, "It failed.")
    assert type(error) is kind
    assert (error.code, error.sentence, error.exit_code, str(error)) == (code, "It failed.", exit_code, "It failed.")


def test_an_edits_cues_are_named() -> None:
    handle = Handle(Point(0, 0), Point(1, 1))
    edit = Edit(Picture(Plane(1, 1, 3, "u8", b"rgb")), (handle, handle, Instruction("x")))
    assert cue_names(edit) == {"Handle", "Instruction"}
