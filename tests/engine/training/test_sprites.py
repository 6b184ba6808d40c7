"""Drawings of an icon set are rendered whole."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scumble_engine.training.concepts import Concept
from scumble_engine.training.sprites import Icons, render_svg

LEMON = Concept("lemon", "lemons", ("lemon",), "1f34b")
SHAPE = '<path id="a" d="M8 8h16v16h-16z"/>'


@pytest.mark.parametrize("body", [SHAPE, f'<defs>{SHAPE}</defs><use fill="#fcc21b" href="#a"/>'])
def test_shapes_are_drawn_however_they_are_referred_to(tmp_path: Path, body: str) -> None:
    (tmp_path / "icons.json").write_text(json.dumps({"width": 32, "height": 32, "icons": {"lemon": {"body": body}}}))
    found = Icons(tmp_path).source(LEMON)
    assert found is not None
    alpha = render_svg(found[1], 64)[..., 3]
    assert np.all(alpha[18:46, 18:46] == 255)
    assert alpha[:14].max() == 0
