"""Which layer masks hide something. Their pixels are looked at once, and again when the painter comes back from the canvas."""

from __future__ import annotations

from dataclasses import dataclass, field

from gi.repository import Gimp

from . import pixels


@dataclass
class Masks:
    """What was seen of each mask, by its id."""

    _seen: dict[int, bool] = field(default_factory=dict)

    def hides(self, mask: Gimp.Channel) -> bool:
        """Say whether the mask hides anything at all: a new one, all white, does not."""
        number = mask.get_id()
        if number not in self._seen:
            self._seen[number] = not pixels.is_all_white(mask)
        return self._seen[number]

    def forget(self) -> None:
        """Look anew: the painter may have painted on them."""
        self._seen.clear()
