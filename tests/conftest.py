"""What all tests share: no test ever meets the user's own engine, settings or caches of running engines."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# The same examples each time, and no clocks: a verdict must not hang on luck or on a busy machine. To look for new ones:
# pytest --hypothesis-profile=hunt
settings.register_profile("fixed", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("hunt", deadline=None)
settings.load_profile("fixed")

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch: idle threads sleep


@pytest.fixture(autouse=True)
def own_runtime_dir(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a runtime folder of its own (short: a socket's path has about 100 characters at most)."""
    folder = tmp_path_factory.mktemp("run")
    folder.chmod(0o700)
    monkeypatch.setenv("SCUMBLE_RUNTIME_DIR", str(folder))
    return folder
