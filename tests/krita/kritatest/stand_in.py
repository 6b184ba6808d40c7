"""A stand-in for Krita's module, so that what needs no host can be tried under PyQt6: it says it is Krita 6 and has nothing open."""

from __future__ import annotations

import sys
import types
from enum import Enum
from pathlib import Path
from typing import Any

PLUGIN = Path(__file__).parents[3] / "plugin_krita"


class FactoryBase:
    """Enums only with their scope, as in Krita 6."""

    class DockPosition(Enum):
        DockTornOff, DockTop, DockBottom, DockRight, DockLeft, DockMinimized = range(6)


class Factory(FactoryBase):
    def __init__(self, name: str, area: FactoryBase.DockPosition, kind: type) -> None:
        self.name, self.area, self.kind = name, area, kind


class StandIn:
    """`Krita.instance()`: nothing is open; remembers the docks that were offered."""

    factories: list[Factory]

    def __init__(self) -> None:
        self.factories = []

    def version(self) -> str:
        return "6.0.0"

    def activeDocument(self) -> None:
        return None

    def activeWindow(self) -> None:
        return None

    def documents(self) -> list[object]:
        return []

    def addDockWidgetFactory(self, factory: Factory) -> None:
        self.factories.append(factory)


def use() -> StandIn:
    """Put the stand-in in the place of `krita`, and the plug-in on the path. Needs PyQt6."""
    from PyQt6.QtWidgets import QDockWidget

    module: Any = types.ModuleType("krita")
    here = StandIn()
    module.Krita = types.SimpleNamespace(instance=lambda: here)
    module.DockWidget, module.DockWidgetFactory, module.DockWidgetFactoryBase = QDockWidget, Factory, FactoryBase
    for name in ("Document", "InfoObject", "ManagedColor", "Node", "Selection", "VectorLayer", "View", "Window"):
        setattr(module, name, type(name, (), {}))
    sys.modules["krita"] = module
    if str(PLUGIN) not in sys.path:
        sys.path.insert(0, str(PLUGIN))
    return here
