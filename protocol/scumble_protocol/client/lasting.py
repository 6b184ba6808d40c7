"""A session that outlives an engine which goes away just when it is spoken to: what hosts open."""

from __future__ import annotations

from collections.abc import Sequence

from ..connection import ConnectionInfo
from .launcher import find_or_start
from .session import Session


def lasting_session(info: ConnectionInfo, client: str, command: Sequence[str] | None = None) -> Session:
    """Open a session that finds or starts another engine, once, for an edit that the one at `info` never accepted.

    An engine that leaves takes nothing with it then; a file whose engine does not greet is passed over. `command`: what
    starts an engine, as for `Launcher`.
    """
    return Session(info, client, again=lambda silent: find_or_start(command, silent=silent))
