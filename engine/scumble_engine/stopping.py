"""Being told to stop by the system: the signals that end an engine in order, and for how long they are heard."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator

ENDS = ("SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK")


@contextlib.contextmanager
def stopping_on_signals(stop: Callable[[], object]) -> Iterator[None]:
    """Call `stop` when told to stop, interrupted, or left by the terminal, in place of ending there and then.

    A program that serves from another thread keeps its own signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ends = [getattr(signal, name) for name in ENDS if hasattr(signal, name)]
    before = {number: signal.signal(number, lambda _number, _frame: stop()) for number in ends}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
