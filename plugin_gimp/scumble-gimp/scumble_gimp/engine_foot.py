"""The foot of the panel: what the engine is, and a button that ends it, for its memory is needed elsewhere too."""

from __future__ import annotations

from collections.abc import Callable

import gi

gi.require_version("Gtk", "3.0")
from gi.repository import Gtk  # noqa: E402
from scumble_protocol.messages import EngineState  # noqa: E402

from .desk import Phase, engine_line  # noqa: E402
from .panel_parts import labelled  # noqa: E402
from .wording import _  # noqa: E402


class EngineFoot(Gtk.Box):
    """A quiet line and a quiet button, which can be pressed while an engine is there."""

    def __init__(self, stop: Callable[[], None]) -> None:
        super().__init__(spacing=6)
        self._line = labelled("")
        self._line.get_style_context().add_class("dim-label")
        tip = _("Ends the engine, also for other programs, and frees its memory; the next edit starts it again")
        self._stop = Gtk.Button(label=_("Stop engine"), relief=Gtk.ReliefStyle.NONE, tooltip_text=tip)
        self._stop.connect("clicked", lambda _button: stop())
        self.pack_start(self._line, True, True, 0)
        self.pack_end(self._stop, False, False, 0)

    def show_engine(self, phase: Phase, state: EngineState | None) -> None:
        """`state`: None while no engine is known."""
        self._line.set_text(engine_line(phase, state))
        self._stop.set_sensitive(state is not None)
