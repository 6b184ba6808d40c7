"""The live engine that tests of the server's doors knock at, one for each file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from acting.engine import ActingEngine


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ActingEngine]:
    folder = tmp_path_factory.mktemp("s")
    folder.chmod(0o700)
    with ActingEngine(folder) as engine:
        yield engine
        assert "Traceback" not in (engine.logs / "engine.log").read_text()
