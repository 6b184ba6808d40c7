"""Reading networks in ncnn's format: a text of layers and one file of numbers. Only what plain convolutional networks need."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_MAGIC = "7767517"
_HALF = 0x01306B47  # the tag before numbers kept as fp16; 0 stands before fp32


@dataclass(frozen=True)
class Layer:
    """One line of the text: its kind, its name, and its numbered settings."""

    kind: str
    name: str
    settings: dict[int, str]

    def count(self, key: int) -> int:
        """Return a whole number among the settings, 0 where it is left out."""
        return int(self.settings.get(key, "0"))


def read_layers(text: str) -> list[Layer]:
    """Read a `.param` file. Raises ValueError for text in another format."""
    lines = text.split("\n")
    if lines[0].strip() != _MAGIC:
        raise ValueError("This is not a network in ncnn's text format.")
    return [_layer(line.split()) for line in lines[2:] if line.strip()]


def _layer(words: list[str]) -> Layer:
    kind, name, inputs, outputs = words[0], words[1], int(words[2]), int(words[3])
    pairs = [word.split("=") for word in words[4 + inputs + outputs :]]
    return Layer(kind, name, {int(key): value for key, value in pairs})


class _Numbers:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, count: int, kind: str = "<f4") -> NDArray[np.float32]:
        size = count * np.dtype(kind).itemsize
        if self._at + size > len(self._data):
            raise ValueError("The network's file of numbers is too short for its layers.")
        found = np.frombuffer(self._data, kind, count, self._at).astype(np.float32)
        self._at += -(-size // 4) * 4  # everything starts at a multiple of four bytes
        return found

    def take_tagged(self, count: int) -> NDArray[np.float32]:
        tag = int(np.frombuffer(self._data, "<u4", 1, self._at)[0])
        self._at += 4
        if tag not in (0, _HALF):
            raise ValueError("The network's numbers are kept in a way that is not read here.")
        return self.take(count, "<f2" if tag == _HALF else "<f4")

    @property
    def left(self) -> int:
        return len(self._data) - self._at


def read_weights(text: str, data: bytes) -> list[tuple[Layer, tuple[NDArray[np.float32], ...]]]:
    """Read the numbers of every convolution (weight (out, in, k, k), bias) and PReLU (slopes), in the layers' order.

    Raises ValueError where numbers are missing or left over, or a layer with numbers of another kind is met.
    """
    numbers = _Numbers(data)
    found: list[tuple[Layer, tuple[NDArray[np.float32], ...]]] = []
    for layer in read_layers(text):
        if layer.kind == "Convolution":
            outputs, side, size = layer.count(0), layer.count(1), layer.count(6)
            weight = numbers.take_tagged(size).reshape(outputs, -1, side, side)
            found.append((layer, (weight, numbers.take(outputs) if layer.count(5) else np.zeros(outputs, np.float32))))
        elif layer.kind == "PReLU":
            found.append((layer, (numbers.take(layer.count(0)),)))
        elif layer.kind not in ("Input", "Split", "PixelShuffle", "Interp", "BinaryOp"):
            raise ValueError(f"Layers of the kind {layer.kind} are not read here.")
    if numbers.left:
        raise ValueError("The network's file of numbers is longer than its layers need.")
    return found
