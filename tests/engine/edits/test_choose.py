"""Which way an edit goes: what is served works, what is not is refused in words that name the cues."""

from __future__ import annotations

import numpy as np
import pytest
from photographs import classical_shelf, disc, handle, mask_of, one_channel, perform, photograph, picture, strokes_of
from scumble_engine.edits import choose
from scumble_protocol.errors import RequestError
from scumble_protocol.messages import Cue


def test_an_edit_that_says_only_where_is_refused() -> None:
    with pytest.raises(RequestError, match="not what"):
        perform(picture(photograph()), [mask_of(disc(20))])


def test_a_drag_and_an_erase_at_once_are_refused_by_name() -> None:
    cues: list[Cue] = [handle(40, 48, 60, 48), strokes_of(disc(5, (100, 80)))]
    with pytest.raises(RequestError, match="handles and subtract strokes") as caught:
        perform(picture(photograph()), cues)
    assert caught.value.exit_code == 2


def test_what_is_said_to_be_served_is_served() -> None:
    served = choose.served_cues(classical_shelf())
    assert {"Handle", "SubtractStrokes", "Mask", "Grab"} <= set(served)
    layer, _, _ = perform(picture(photograph()), [strokes_of(disc(5)), mask_of(disc(9))])
    assert np.asarray(one_channel(disc(9)).data).size
    assert layer.bounds.width <= 19
