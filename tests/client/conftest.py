"""A session with a scripted engine, for every test of the client that asks for one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from client.conversing import dutiful
from client.scripted_engine import INFO, ScriptedEngine
from scumble_protocol.client.session import Session


@pytest.fixture
def engine() -> Iterator[ScriptedEngine]:
    with ScriptedEngine(dutiful) as scripted:
        yield scripted


@pytest.fixture
def session(engine: ScriptedEngine) -> Iterator[Session]:
    opened = Session(INFO, "test", connect=engine.connect)
    opened.wait_until_open(5)
    yield opened
    opened.close()
