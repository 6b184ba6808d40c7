"""A real worker process whose edits act out their instruction: "steps 5 0.1", "hang", "die 9", "memory", "raise", "freeze", "crash".

`--model` tells how it starts: "slow 2", "refuse", "fail", "die", "note"; anything else starts well.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace

from scumble_engine.edits.work import Layer, Sketch, Step, Work
from scumble_engine.worker import run
from scumble_protocol import __version__
from scumble_protocol.errors import AskedBack, EngineError, RequestError
from scumble_protocol.geometry import Bounds
from scumble_protocol.messages import Edit, EngineState, Instruction, PromptPair, Provenance, Purpose
from scumble_protocol.pixels import Plane


class ActingStudio:
    """Obey."""

    def __init__(self, model: str, device: str) -> None:
        word, *numbers = model.split()
        if word == "slow":
            time.sleep(float(numbers[0]))
        elif word == "refuse":
            raise RequestError("The device cuda:7 was asked for, but torch finds none.", "no-device")
        elif word == "fail":
            raise EngineError("The model could not be opened.", "engine-model")
        elif word == "die":
            os._exit(3)
        self._model, self._device = model, device

    def state(self) -> EngineState:
        note = "The model folder is empty." if self._model == "note" else ""
        return EngineState(__version__, "ready", self._model, self._device, ("Instruction",), note=note)

    def perform(self, edit: Edit, purpose: Purpose) -> Work:
        return act(edit, next(cue.text for cue in edit.cues if isinstance(cue, Instruction)))

    def guess(self, edit: Edit) -> tuple[tuple[str, ...], tuple[float, ...]]:
        return ("hat", "boat"), (0.75, 0.25)

    def read(self, instruction: str, picture_words: str) -> tuple[PromptPair, str]:
        return PromptPair(picture_words, instruction), "read by an actor"


def act(edit: Edit, instruction: str) -> Work:
    """Do what the instruction says, then return the picture as the layer."""
    word, *numbers = instruction.split()
    if word == "steps":
        yield from _steps(edit, int(numbers[0]), float(numbers[1]))
    elif word == "hang":  # sleeping, with the heartbeat going on
        yield Step(0, 2, "hanging")
        time.sleep(3600)
    elif word == "freeze":  # holding the interpreter's lock, so that no thread runs
        yield Step(0, 2, "freezing")
        sum(range(10**14))
    elif word == "die":
        yield Step(0, 2, "dying")
        os.kill(os.getpid(), int(numbers[0]))
        time.sleep(60)
    elif word == "memory":
        raise MemoryError
    elif word == "torch-memory":
        raise RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory: you tried")
    elif word == "raise":
        raise ValueError("a secret detail")
    elif word == "recolor":
        return replace(_layer(edit), reading=PromptPair("a red hat", "a blue hat", ("blue",), ("hat",), "recolor"))
    elif word == "unsure":
        raise AskedBack("It is not sure what that means.", PromptPair("a horse", "a gallop horse"))
    elif word == "draw":
        return replace(_layer(edit), reading=PromptPair("", "a star", (), (), "add"))
    elif word == "pid":
        return _layer(edit, str(os.getpid()))
    return _layer(edit)


def _steps(edit: Edit, count: int, seconds: float) -> Work:
    try:
        for done in range(count):
            yield Step(done, count, "acting")
            time.sleep(seconds)
            yield Sketch(Bounds(0, 0, 2, 2), Plane(2, 2, 4, "u8", bytes([done] * 16)))
    except GeneratorExit:
        print("closed in time", file=sys.stderr, flush=True)
        raise
    return _layer(edit)


def _layer(edit: Edit, note: str = "") -> Layer:
    plane = edit.picture.plane
    made = Provenance(__version__, "acting", "none", "", "", 0, 0, "cpu")
    return Layer(Bounds(0, 0, plane.width, plane.height), plane, made, (note,) if note else ())


if __name__ == "__main__":
    sys.exit(run(ActingStudio))
