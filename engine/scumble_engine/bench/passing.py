"""An engine whose worker hands each picture back as the layer, for timing everything but the edit.

`python -m scumble_engine.bench.passing FOLDER` is the server (its log goes to FOLDER); without FOLDER it is the worker.
"""

from __future__ import annotations

import sys
from pathlib import Path

from scumble_protocol import __version__
from scumble_protocol.geometry import Bounds
from scumble_protocol.messages import Edit, EngineState, PromptPair, Provenance, Purpose

from ..edits.work import Layer, Step, Work

MODULE = "scumble_engine.bench.passing"


class PassingStudio:
    """Do nothing, in the form of an edit."""

    def __init__(self, model: str, device: str) -> None:
        self._state = EngineState(__version__, "ready", model, device, ("Handle",))

    def state(self) -> EngineState:
        return self._state

    def perform(self, edit: Edit, purpose: Purpose) -> Work:
        yield Step(0, 1, "passing")
        plane = edit.picture.plane
        provenance = Provenance(__version__, "passing", "none", "", "", 0, 0, "cpu")
        return Layer(Bounds(0, 0, plane.width, plane.height), plane, provenance)

    def guess(self, edit: Edit) -> tuple[tuple[str, ...], tuple[float, ...]]:
        return (), ()

    def read(self, instruction: str, picture_words: str) -> tuple[PromptPair, str]:
        return PromptPair(picture_words, instruction), ""


def main(arguments: list[str]) -> int:
    if not arguments:
        from ..worker import run

        return run(PassingStudio)
    from ..server import serve

    serve(worker_command=(sys.executable, "-m", MODULE), log_dir=Path(arguments[0]), idle_exit_s=60.0)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
