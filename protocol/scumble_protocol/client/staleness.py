"""Which layers no longer fit the picture beneath them, worked out beside a host's main thread: pixels go in, answers come out."""

from __future__ import annotations

import threading

from ..pixels import Picture
from .recipe import Recipe, is_stale


class StaleWatch:
    """Compare one layer after the other. Hashing a large picture would be felt at the brush, so a thread does it."""

    def __init__(self) -> None:
        self._answers: dict[str, bool] = {}
        self._thread: threading.Thread | None = None

    @property
    def busy(self) -> bool:
        """A comparison is under way; `look` would be passed over."""
        return self._thread is not None and self._thread.is_alive()

    def look(self, key: str, recipe: Recipe, picture: Picture) -> None:
        """Begin to compare what lies beneath the layer `key` now with what its recipe says; nothing while another is under way."""
        if not self.busy:
            self._thread = threading.Thread(
                target=self._compare, args=(key, recipe, picture), name="scumble-stale", daemon=True
            )
            self._thread.start()

    def found_stale(self, key: str) -> None:
        """Note what needs no comparison: what the layer was made from is gone."""
        self._answers[key] = True

    def answers(self) -> dict[str, bool]:
        """Return what was found so far, by key: True for stale."""
        return dict(self._answers)

    def _compare(self, key: str, recipe: Recipe, picture: Picture) -> None:
        self._answers[key] = is_stale(recipe, picture)
