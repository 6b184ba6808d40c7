"""Wait for something that happens in another process."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_for(what: str, test: Callable[[], T], timeout_s: float = 30.0, every_s: float = 0.05) -> T:
    """Ask until the answer is true, and return it. Raises AssertionError that names what was waited for."""
    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        if answer := test():
            return answer
        time.sleep(every_s)
    raise AssertionError(f"waited {timeout_s:g} s for {what}")


def happens(test: Callable[[], object], timeout_s: float) -> bool:
    """Ask until the answer is true or the time is over, and say which."""
    try:
        wait_for("it", test, timeout_s, 0.1)
    except AssertionError:
        return False
    return True
