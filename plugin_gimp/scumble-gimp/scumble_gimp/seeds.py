"""Each edit is another try: its seed is drawn anew, kept in its recipe, and can be asked for again."""

from __future__ import annotations

import secrets

MOST_SEED = 2**31 - 1


def new_seed() -> int:
    """Return a seed of 0..MOST_SEED."""
    return secrets.randbelow(MOST_SEED + 1)
