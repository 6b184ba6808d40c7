"""The real server in a process of its own: `python serve.py JSON` with the keyword arguments of `serve`; acts like the command line."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from scumble_engine.scheduler import Limits
from scumble_engine.server import serve
from scumble_engine.supervisor import Patience
from scumble_protocol.errors import ScumbleError


def main(text: str) -> int:
    options = json.loads(text)
    for name, kind in (("patience", Patience), ("limits", Limits)):
        if name in options:
            options[name] = kind(**options[name])
    for name in ("log_dir", "curve_keys"):
        if name in options:
            options[name] = Path(options[name])
    try:
        serve(announce=lambda sentence: print(sentence, flush=True), **options)
    except ScumbleError as exc:
        print(exc.sentence, file=sys.stderr)
        return exc.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
