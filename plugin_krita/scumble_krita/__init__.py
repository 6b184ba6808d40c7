"""Scumble in Krita: one docker, and the drag mode on the canvas. Krita loads this package when it starts.

Everything but Krita's own calls comes from `scumble_protocol.client`, which the installer puts into `vendor/`.
"""

from __future__ import annotations

import sys
from pathlib import Path


def _use_vendored() -> None:
    """Let our own copy of the protocol win, and msgpack's pure-Python half serve only where Krita's Python has none."""
    vendor = Path(__file__).parent / "vendor"
    if vendor.is_dir() and str(vendor) not in sys.path:
        sys.path.insert(0, str(vendor))
        sys.path.append(str(vendor / "spare"))


def _register() -> None:
    from krita import DockWidgetFactory, DockWidgetFactoryBase, Krita

    from .docker import ScumbleDocker

    # With its scope, which both bindings know: Krita 6 has no other way to it.
    right = DockWidgetFactoryBase.DockPosition.DockRight
    Krita.instance().addDockWidgetFactory(DockWidgetFactory("scumble", right, ScumbleDocker))


_use_vendored()
_register()
