#!/usr/bin/env python3
"""Scumble for GIMP 3: AI edits as new layers. GIMP runs this file; everything else lies beside it."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "vendor")]
sys.path.append(str(HERE / "vendor" / "spare"))  # only where this Python has no msgpack of its own

import gi  # noqa: E402

gi.require_version("Gimp", "3.0")
gi.require_version("GimpUi", "3.0")
from gi.repository import Gimp  # noqa: E402
from scumble_gimp.plug_in import Scumble  # noqa: E402

Gimp.main(Scumble.__gtype__, sys.argv)
