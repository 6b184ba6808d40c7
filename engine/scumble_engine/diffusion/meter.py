"""What an edit has cost so far, in pictures: forwards of the network and passes through the autoencoder."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Meter:
    """`forwards` counts pictures that went through the whole UNet, `partial` those that stopped at a block; `coded` passes through the
    autoencoder either way, of which one whose gradient is taken counts twice."""

    forwards: int = 0
    partial: int = 0
    coded: int = 0

    def reset(self) -> None:
        self.forwards = self.partial = self.coded = 0
