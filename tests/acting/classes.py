"""A real worker with the real edits, whose model is changed between jobs: `--model` is a file that says which, in which precision.

So one process serves checkpoints of every class; each is loaded as the engine loads it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
from scumble_engine.diffusion import model as adapter
from scumble_engine.edits import choose
from scumble_engine.edits.work import Work
from scumble_engine.models.shelf import Shelf
from scumble_engine.worker import run
from scumble_protocol import __version__
from scumble_protocol.messages import Edit, EngineState, PromptPair, Purpose

CUES = ("Handle", "Mask", "Grab", "AddStrokes", "SubtractStrokes", "ColorStrokes", "Instruction", "PromptPair")


class ClassesStudio:
    """Perform edits on the model that the file names now."""

    def __init__(self, file: str, device: str) -> None:
        self._file, self._device = Path(file), device
        self._chosen: dict[str, Any] = {}
        self._shelf = Shelf()

    @property
    def shelf(self) -> Shelf:
        chosen = json.loads(self._file.read_text())
        if chosen != self._chosen:
            dtype = getattr(torch, chosen["dtype"])
            adapter.pick_dtype = lambda _device: dtype
            # Autoencoders stay in full precision, as SDXL's must: in half, which other accelerators' are in, they take CPUs minutes.
            adapter.autoencoder_dtype = lambda *_given: torch.float32
            self._chosen, self._shelf = chosen, Shelf(chosen["model"], "cpu", controls=tuple(chosen["controls"]))
        return self._shelf

    def state(self) -> EngineState:
        return EngineState(__version__, "ready", "every class", self._device, CUES)

    def perform(self, edit: Edit, purpose: Purpose) -> Work:
        return choose.perform(edit, self.shelf, purpose)

    def guess(self, edit: Edit) -> tuple[tuple[str, ...], tuple[float, ...]]:
        return choose.guess(edit, self.shelf)

    def read(self, instruction: str, picture_words: str) -> tuple[PromptPair, str]:
        return choose.read(instruction, picture_words, self.shelf)


if __name__ == "__main__":
    sys.exit(run(ClassesStudio))
