"""What an edit has cost so far: forwards of the network, in pictures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Meter:
    """`forwards` counts pictures that went through the whole UNet, `partial` those that stopped at a block."""

    forwards: int = 0
    partial: int = 0

    def reset(self) -> None:
        self.forwards = self.partial = 0
