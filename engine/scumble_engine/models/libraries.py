"""What every loading with diffusers or transformers needs: their chatter kept off the painter's screen, their errors in a line."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the libraries' progress bars and remarks about old configs off the painter's screen while a model loads."""
    import diffusers.utils.logging as diffusers_log
    import transformers.utils.logging as transformers_log

    saved = [(log, log.get_verbosity(), log.is_progress_bar_enabled()) for log in (diffusers_log, transformers_log)]
    for log, _, _ in saved:
        log.set_verbosity(logging.CRITICAL)  # what they log of an error they also raise, and we say it
        log.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for log, verbosity, bar in saved:
            log.set_verbosity(verbosity)
            (log.enable_progress_bar if bar else log.disable_progress_bar)()


def first_line(exc: Exception) -> str:
    """Return what an error says first, at most 200 characters; its type's name where it says nothing."""
    return (str(exc).strip().splitlines() or [type(exc).__name__])[0][:200]
