"""The parts of the panel: picture picker, row of tools, list of cues, list of results. Each knows how it looks, not what it does."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("Pango", "1.0")
from gi.repository import GdkPixbuf, Gimp, GLib, Gtk, Pango  # noqa: E402
from scumble_protocol.client.staleness import StaleWatch  # noqa: E402
from scumble_protocol.errors import ScumbleError  # noqa: E402
from scumble_protocol.pixels import Plane  # noqa: E402

from .cues import CueLine  # noqa: E402
from .results import Results  # noqa: E402
from .staleness import have_compared  # noqa: E402
from .wording import _  # noqa: E402

LINE_CHARS = 40
PREVIEW_PX = 240
CUES_PX = 84  # room for some cues, so that the button below doesn't move from under the pen when one is placed


def labelled(text: str) -> Gtk.Label:
    """Return a line of text that wraps in the panel's width."""
    label = Gtk.Label(label=text, xalign=0.0, wrap=True, max_width_chars=LINE_CHARS)
    label.set_line_wrap_mode(Pango.WrapMode.WORD_CHAR)
    return label


def server_time(window: Gtk.Window) -> int:
    """Return the X server's time now, or 0 (which means now) elsewhere.

    GTK would take the time of the last click in our own windows, and X ignores a wish that is older than the last change of focus.
    """
    try:
        gi.require_version("GdkX11", "3.0")
        from gi.repository import GdkX11
    except (ValueError, ImportError):
        return 0
    inner = window.get_window()
    return int(GdkX11.x11_get_server_time(inner)) if isinstance(inner, GdkX11.X11Window) else 0


class PicturePicker(Gtk.ComboBoxText):
    """Which open picture the panel is about: GIMP tells nobody which one the painter looks at."""

    def __init__(self, image: Gimp.Image | None, changed: Callable[[], object]) -> None:
        super().__init__(tooltip_text=_("The picture to edit"))
        self._wanted = str(image.get_id()) if image is not None else ""
        self._shown: list[tuple[str, str]] = []
        self.refresh()
        self.connect("changed", lambda _box: self._chosen(changed))

    def image(self) -> Gimp.Image | None:
        """Return the chosen picture, if it is still open."""
        number = self.get_active_id()
        image = Gimp.Image.get_by_id(int(number)) if number else None
        return image if image is not None and image.is_valid() else None

    def choose(self, image: Gimp.Image) -> None:
        """Make this the picture that the panel is about."""
        self._wanted = str(image.get_id())
        self.refresh()
        self.set_active_id(self._wanted)

    def refresh(self) -> None:
        """List the open pictures anew; the choice stays while its picture is open."""
        now = [(str(image.get_id()), image.get_name()) for image in Gimp.get_images()]
        if now == self._shown:
            return
        self._shown, wanted = now, self._wanted
        self.remove_all()
        for number, name in now:
            self.append(number, name)
        if not self.set_active_id(wanted) and now:
            self.set_active(0)

    def _chosen(self, changed: Callable[[], object]) -> None:
        if self.get_active_id():
            self._wanted = self.get_active_id()
            changed()


class ToolRow(Gtk.Box):
    """Drag, +, − and Colour."""

    def __init__(self, taken: Callable[[str], None]) -> None:
        super().__init__(spacing=4, homogeneous=True)
        for kind, label, tip in (
            ("drag", _("Drag"), _("Pull a point to where it should be")),
            ("add", "+", _("Paint where something should appear")),
            ("subtract", "−", _("Paint over what should go")),
            ("color", _("Colour"), _("Paint the colours that you want")),
        ):
            button = Gtk.Button(label=label, tooltip_text=tip)
            button.connect("clicked", lambda _button, kind: taken(kind), kind)
            self.pack_start(button, True, True, 0)


class CueList(Gtk.Box):
    """A line for each cue, with a button to drop it."""

    def __init__(self, dropped: Callable[[str], None]) -> None:
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=2)
        self.set_size_request(-1, CUES_PX)
        self._dropped = dropped
        self._shown: list[Any] = []

    def show_lines(self, lines: list[CueLine]) -> None:
        self._rebuild(list(lines), [self._row(line) for line in lines])

    def show_trouble(self, sentence: str) -> None:
        """Say why there is nothing to edit from."""
        self._rebuild([sentence], [labelled(sentence)])

    def _rebuild(self, now: list[Any], rows: list[Gtk.Widget]) -> None:
        if now == self._shown:
            return
        self._shown = now
        for child in self.get_children():
            self.remove(child)
        for row in rows:
            self.pack_start(row, False, False, 0)
        self.show_all()

    def _row(self, line: CueLine) -> Gtk.Widget:
        row = Gtk.Box(spacing=6)
        row.pack_start(labelled("• " + line.text), True, True, 0)
        if line.kind in ("drag", "add", "subtract", "color"):
            button = Gtk.Button(label="×", relief=Gtk.ReliefStyle.NONE, tooltip_text=_("Leave this out"))
            button.connect("clicked", lambda _button: self._dropped(line.kind))
            row.pack_end(button, False, False, 0)
        return row


class PreviewImage(Gtk.Image):
    """A rough look at the layer to come, while the engine works on it."""

    def __init__(self) -> None:
        super().__init__(no_show_all=True)
        self._shown: Plane | None = None

    def show_plane(self, plane: Plane | None) -> None:
        """Show an sRGB u8 RGBA plane, at most `PREVIEW_PX` large, or nothing."""
        if plane is self._shown:
            return
        self._shown = plane
        self.set_visible(plane is not None)
        if plane is not None:
            self.set_from_pixbuf(_scaled(plane))


def _scaled(plane: Plane) -> GdkPixbuf.Pixbuf:
    data = GLib.Bytes.new(bytes(plane.data))
    row_bytes = plane.width * plane.channels
    whole = GdkPixbuf.Pixbuf.new_from_bytes(
        data, GdkPixbuf.Colorspace.RGB, plane.channels == 4, 8, plane.width, plane.height, row_bytes
    )
    share = min(1.0, PREVIEW_PX / max(plane.width, plane.height))
    size = (max(1, int(plane.width * share)), max(1, int(plane.height * share)))
    return whole.scale_simple(*size, GdkPixbuf.InterpType.BILINEAR)


class ResultList(Gtk.Box):
    """The layers that Scumble made in this picture: make again, change, and a mark where what is beneath has changed."""

    def __init__(self, rerun: Callable[[Gimp.Layer, list[str]], None]) -> None:
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=2)
        self._rerun = rerun
        self._shown: list[tuple[int, str]] = []
        self._marks: dict[int, Gtk.Label] = {}
        self._results = Results()
        self._watch = StaleWatch()
        self._unseen: list[int] = []  # layers whose picture beneath may have changed since it was last compared

    def refresh(self, image: Gimp.Image | None) -> None:
        """List the results anew when they have changed."""
        layers = self._results.layers(image) if image is not None else []
        now = [(layer.get_id(), layer.get_name()) for layer in layers]
        if now != self._shown:
            self._rebuild(now, layers)
        self._mark_stale()
        self._compare_next(image)

    def _rebuild(self, now: list[tuple[int, str]], layers: list[Gimp.Layer]) -> None:
        self._shown, self._marks = now, {}
        for child in self.get_children():
            self.remove(child)
        if layers:
            self.pack_start(Gtk.Label(label=_("Layers made by Scumble"), xalign=0.0), False, False, 4)
        for layer in layers:
            self.pack_start(self._row(layer), False, False, 0)
        self.show_all()

    def look_anew(self) -> None:
        """Have each result compared with what is beneath it now, one at each refresh."""
        self._unseen = list(self._marks)

    def _mark_stale(self) -> None:
        answers = self._watch.answers()
        for number, mark in self._marks.items():
            mark.set_text("⚠" if answers.get(str(number)) else "")

    def _compare_next(self, image: Gimp.Image | None) -> None:
        """Have one result compared with what is beneath it now. Reads its region's pixels."""
        if self._watch.busy:
            return
        number = self._unseen.pop(0) if self._unseen else 0
        layer = Gimp.Item.get_by_id(number) if number in self._marks else None
        if image is not None and layer is not None and layer.get_image() == image:
            with suppress(ScumbleError):  # of a picture that can't be read, Edit says why
                have_compared(self._watch, image, layer, self._results.recipe(layer))

    def _row(self, layer: Gimp.Layer) -> Gtk.Widget:
        row = Gtk.Box(spacing=4)
        mark = Gtk.Label(tooltip_text=_("The picture beneath has changed since this layer was made"))
        self._marks[layer.get_id()] = mark
        name = Gtk.Label(label=layer.get_name(), xalign=0.0, ellipsize=Pango.EllipsizeMode.END, max_width_chars=18)
        row.pack_start(mark, False, False, 0)
        row.pack_start(name, True, True, 0)
        for label, action in ((_("Re-run"), self._again), (_("Change…"), self._change)):
            button = Gtk.Button(label=label)
            button.connect("clicked", lambda _button, act: act(layer), action)
            row.pack_start(button, False, False, 0)
        return row

    def _again(self, layer: Gimp.Layer) -> None:
        self._rerun(layer, [])

    def _change(self, layer: Gimp.Layer) -> None:
        from .change_dialog import ask_changes

        recipe = self._results.recipe(layer)
        # Of a damaged recipe, making the layer again says what is wrong with it.
        changes = ask_changes(self.get_toplevel(), recipe) if recipe else []
        if changes is not None:
            self._rerun(layer, changes)
