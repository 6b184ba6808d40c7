"""The resident panel: a GTK window in the plug-in's own process, so that GIMP's canvas never waits for it."""

from __future__ import annotations

from typing import Any

import gi

gi.require_version("Gtk", "3.0")
from gi.repository import Gimp, GimpUi, GLib, Gtk  # noqa: E402
from scumble_protocol.client.request import Request, build, crop_for  # noqa: E402
from scumble_protocol.client.run import plan_edit  # noqa: E402
from scumble_protocol.client.sight import edited_sentence  # noqa: E402
from scumble_protocol.errors import Cancelled, ScumbleError  # noqa: E402
from scumble_protocol.messages import Instruction, Settings  # noqa: E402

from . import stroke_layers  # noqa: E402
from .canvas import Choices, GimpHost  # noqa: E402
from .desk import Desk  # noqa: E402
from .engine_foot import EngineFoot  # noqa: E402
from .guard import repeat, told  # noqa: E402
from .masks import Masks  # noqa: E402
from .panel_parts import CueList, PicturePicker, PreviewImage, ResultList, ToolRow, labelled, server_time  # noqa: E402
from .rerun_procedure import planned  # noqa: E402
from .seeds import new_seed  # noqa: E402
from .source import source_of  # noqa: E402
from .waiting import TICK_MS, client_name  # noqa: E402
from .wording import _, aloud  # noqa: E402

REFRESH_MS = 1000
WIDTH_PX = 320


class Panel:
    """Four tools, a line of text, the cues placed so far, and one button; below, how it goes and what was made."""

    def __init__(self, image: Gimp.Image | None) -> None:
        self._desk = Desk(client_name())
        self._host: GimpHost | None = None
        self._asked = ""  # the words of the edit that is under way
        self._masks = Masks()
        self._loop = GLib.MainLoop()
        self._picker = PicturePicker(image, self._refresh)
        self._layer = labelled("")
        self._tools = ToolRow(self._take_tool)
        self._text = Gtk.Entry(placeholder_text=_("Say what should change"), activates_default=True)
        self._cues = CueList(self._forget)
        self._moves = Gtk.CheckButton(label=_("The selection is what moves"))
        self._edit = Gtk.Button(label=_("Edit"), can_default=True)
        self._progress = Gtk.ProgressBar(show_text=True, no_show_all=True)
        self._cancel = Gtk.Button(label=_("Cancel"), no_show_all=True)
        self._preview = PreviewImage()
        self._said = labelled("")
        self._engine = EngineFoot(self._stop_engine)
        self._results = ResultList(self._rerun)
        self._window = self._built()

    # ---- the window -------------------------------------------------------------------------------------------------

    def _built(self) -> Gtk.Window:
        window = Gtk.Window(title=_("Scumble"), default_width=WIDTH_PX, border_width=10)
        window.set_role("scumble-panel")
        window.set_type_hint(1)  # a dialog: it stays above the canvas
        column = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=8)
        for part in (self._picker, self._layer, self._tools, self._text, self._cues, self._moves, self._edit):
            column.pack_start(part, False, False, 0)
        column.pack_start(self._work_row(), False, False, 0)
        for below in (self._preview, self._said, self._results, self._engine):
            column.pack_start(below, False, False, 0)
        self._layer.get_style_context().add_class("dim-label")
        self._edit.get_style_context().add_class("suggested-action")
        window.add(column)
        window.set_default(self._edit)
        self._connect(window)
        return window

    def _work_row(self) -> Gtk.Box:
        row = Gtk.Box(spacing=6)
        row.pack_start(self._progress, True, True, 0)
        row.pack_start(self._cancel, False, False, 0)
        return row

    def _connect(self, window: Gtk.Window) -> None:
        window.connect("destroy", lambda _window: self._loop.quit())
        window.connect("focus-in-event", self._focused)
        self._edit.connect("clicked", lambda _button: self._begin())
        self._cancel.connect("clicked", lambda _button: self._desk.cancel())
        self._moves.connect("toggled", lambda _button: self._refresh())

    def run(self) -> None:
        """Show the panel and stay until it is closed; what is under way then is cancelled."""
        self._window.show_all()
        GimpUi.window_set_transient(self._window)
        self._refresh()
        repeat(REFRESH_MS, self._refresh)
        repeat(TICK_MS, self._tick)
        self._loop.run()
        self._desk.close()

    @told
    def present(self, image: Gimp.Image | None) -> None:
        """Come to the front, about this picture."""
        if image is not None:
            self._picker.choose(image)
        self._window.present_with_time(server_time(self._window))

    # ---- what the painter does --------------------------------------------------------------------------------------

    @told
    def _take_tool(self, kind: str) -> None:
        self._desk.wake()
        try:
            source = source_of(self._picker.image())
            if kind == "drag":
                self.say(
                    _(
                        "Take GIMP's path tool (B): click what to hold, then where it should go. Shift+click begins another."
                    )
                )
                return
            layer = stroke_layers.make_ready(source.get_image(), source, kind)
            self.say(_("Paint on “{name}” with any of GIMP's brushes.").format(name=layer.get_name()))
        except ScumbleError as error:
            self.say(aloud(error.sentence))
        self._refresh()

    @told
    def _begin(self) -> None:
        if not self._desk.over:
            return
        try:
            host = self._new_host()
            text = self._text.get_text()
            settings = Settings(seed=new_seed())
            self._start(host, plan_edit(host, Instruction(text) if text.strip() else None, settings), text)
        except ScumbleError as error:
            self.say(aloud(error.sentence))

    @told
    def _rerun(self, layer: Gimp.Layer, changes: list[str]) -> None:
        image = self._picker.image()
        if not self._desk.over or image is None:
            return
        try:
            self._start(*planned(image, layer, changes))
        except ScumbleError as error:
            self.say(aloud(error.sentence))

    @told
    def _forget(self, kind: str) -> None:
        try:
            self._new_host().forget(kind)
        except ScumbleError as error:
            self.say(aloud(error.sentence))
        self._refresh()

    @told
    def _stop_engine(self) -> None:
        self._desk.stop_engine()
        self.say(_("The engine was told to stop; the next edit starts it again."))

    def _start(self, host: GimpHost, request: Request, words: str = "") -> None:
        self._host, self._asked = host, words
        self.say("")
        self._desk.begin(host, request)
        self._show_work()

    def _new_host(self, masks: Masks | None = None) -> GimpHost:
        source = source_of(self._picker.image())
        return GimpHost(
            source.get_image(), source, Choices(selection_moves=self._moves.get_active(), spend=True), masks=masks
        )

    # ---- what the painter sees --------------------------------------------------------------------------------------

    @told
    def _tick(self) -> None:
        working = self._host is not None
        self._desk.tick()
        self._show_work()
        if working and self._desk.over:
            self._finish()

    def _finish(self) -> None:
        self._host = None
        self._window.resize(WIDTH_PX, 1)  # as high as it must be, now that the preview is gone
        error, run = self._desk.error, self._desk.run
        if error is not None:
            self.say(_("Cancelled.") if isinstance(error, Cancelled) else aloud(error.sentence))
        elif run is not None and run.layer is not None:
            made = _("Made the layer “{name}”.").format(name=run.layer.name)
            self.say(" ".join((made, *map(aloud, run.notes))))
            if self._asked and self._text.get_text() == self._asked:
                self._text.set_text("")  # used up, as the strokes and the path are
        self._refresh()

    def _show_work(self) -> None:
        busy = not self._desk.over
        self._progress.set_visible(busy)
        self._cancel.set_visible(busy)
        self._edit.set_sensitive(not busy)
        if busy:
            self._progress.set_text(self._desk.status)
            self._show_progress()
        self._preview.show_plane(self._desk.preview if busy else None)
        self._engine.show_engine(self._desk.phase, self._desk.state)
        guess = self._desk.guessed
        self._text.set_placeholder_text(
            _("Is it “{words}”?").format(words=guess) if guess else _("Say what should change")
        )

    def _show_progress(self) -> None:
        if self._desk.fraction < 0:
            self._progress.pulse()
        else:
            self._progress.set_fraction(self._desk.fraction)

    def _focused(self, *_event: Any) -> bool:
        self._look_anew()
        return False

    @told
    def _look_anew(self) -> None:
        """The painter comes from the canvas: what costs a look at pixels may be different now."""
        self._masks.forget()
        self._results.look_anew()
        self._refresh()
        self._ask_for_a_guess()

    def _ask_for_a_guess(self) -> None:
        """Have the engine name what was drawn, to be offered in the empty line of text."""
        try:
            host = self._new_host()
            canvas, marks = host.canvas(), host.marks()
            if marks.add is None or marks.add.empty:
                self._desk.forget_guess()
            else:
                self._desk.guess(build(host.read(canvas, crop_for(canvas, marks))))
        except ScumbleError:
            return  # a guess is a courtesy; Edit says what is wrong

    @told
    def _refresh(self) -> None:
        """Look at what is open and placed. Cheap: no pixel is read but of one result in its turn, after `look_anew`."""
        self._desk.look_around()
        self._picker.refresh()
        self._results.refresh(self._picker.image())
        try:
            host = self._new_host(self._masks)
            self._layer.set_text(aloud(edited_sentence(host.source.get_name())))
            lines = host.cue_lines()
            self._cues.show_lines(lines)
            if "add" not in {line.kind for line in lines}:
                self._desk.forget_guess()
        except ScumbleError as error:
            self._layer.set_text("")
            self._cues.show_trouble(aloud(error.sentence))

    def say(self, sentence: str) -> None:
        self._said.set_text(sentence)
        self._said.set_visible(bool(sentence))
