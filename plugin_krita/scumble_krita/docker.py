"""The docker: joins the panel, the overlay on the canvas and the work in progress to the document in front of the painter."""

from __future__ import annotations

import functools
import secrets
import traceback
from collections.abc import Callable

from krita import DockWidget, Document, Krita
from scumble_protocol.client.request import Words
from scumble_protocol.client.run import plan_edit, plan_rerun
from scumble_protocol.errors import ScumbleError
from scumble_protocol.messages import Handle, Instruction, Preview, Settings

from . import points, strokes
from .canvas import KritaHost, selection_bounds
from .guessing import Guessing
from .history import History, bring_back, host_for_rerun, recipe_of
from .nodes import document_id, find_document, find_node, hide_helpers, id_of, is_helper, mark_used
from .overlay import Look, Overlay
from .panel import Panel
from .pulling import Pulling, image_of
from .qt import QApplication, QTimer
from .sentences import cue_rows, engine_words, job_words
from .tools import PaintTool, active_role
from .view import active_view, canvas_widget, to_widget
from .words import say
from .work import Job, Work, plain

TICK_MS = 30
REFRESH_MS = 1000
NEW_SEEDS = 2**31


def told(step: Callable[[ScumbleDocker], None]) -> Callable[[ScumbleDocker], None]:
    """Tell the painter of our own faults in a line: left to Krita, an exception in a timer opens a dialog each time."""

    @functools.wraps(step)
    def guarded(docker: ScumbleDocker) -> None:
        try:
            step(docker)
        except Exception as error:
            traceback.print_exc()
            docker.panel.show_message(say("Scumble failed inside: {error}", error=error), trouble=True)

    return guarded


class ScumbleDocker(DockWidget):
    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle(say("Scumble"))
        self.panel = Panel()
        self.setWidget(self.panel)
        self.work = Work(f"krita {Krita.instance().version()}")
        self.history = History()
        self.pulling = Pulling(self.work)
        self.guessing = Guessing(self.work)
        self.paint = PaintTool()
        self.overlay: Overlay | None = None
        self.dragging = False
        self._sources: dict[str, str] = {}  # document id -> the layer to edit while a helper layer is active
        self._settings: dict[str, Settings] = {}  # document id -> those of a recipe that is being changed
        self._hidden: dict[str, list[str]] = {}  # document id -> helper layers that its running edit has hidden
        self._trouble = ""
        self._looked_at: tuple[Preview, Look] | None = None
        self._connect()

    def _connect(self) -> None:
        panel = self.panel
        panel.tool_chosen.connect(self.choose_tool)
        panel.edit_pressed.connect(self.edit)
        panel.cancel_pressed.connect(self.cancel)
        panel.cue_removed.connect(self.remove_cue)
        panel.grab_chosen.connect(lambda _: self.refresh())
        panel.rerun_pressed.connect(self.run_again)
        panel.change_pressed.connect(self.change)
        panel.stop_pressed.connect(self.work.stop_engine)
        self._ticker, self._refresher = QTimer(self), QTimer(self)
        self._ticker.timeout.connect(self.tick)
        self._refresher.timeout.connect(self._refresh_if_seen)
        application = QApplication.instance()
        if application is not None:
            application.aboutToQuit.connect(self.work.close)
        self._ticker.start(TICK_MS)
        self._refresher.start(REFRESH_MS)

    def _refresh_if_seen(self) -> None:
        # Krita leaks a little with every list of nodes that it hands out: some 3 KB a refresh with ten layers.
        if self.isVisible():
            self.refresh()

    def canvasChanged(self, canvas: object) -> None:
        """Krita calls this when another document or view comes to the front."""
        QTimer.singleShot(0, self.refresh)

    # ---- tools ------------------------------------------------------------------------------------------------------

    def choose_tool(self, name: str) -> None:
        """Switch one of the four tools on, or ("") the present one off."""
        try:
            document = self._editable_document()
            self._drag(name == "drag")
            view = active_view()
            if name in strokes.ROLES and view is not None:
                self.paint.take(view, document, name)
            else:
                self._leave_strokes(document)
            if name:
                self.work.wake()
        except ScumbleError as error:
            self._drag(False)
            self.panel.show_message(plain(error), trouble=True)
        self.refresh()

    def _editable_document(self) -> Document:
        """Return the document in front once an edit could start in it. Raises RequestError."""
        host = KritaHost.of_active(self._remembered())
        self._sources[host.document] = host.source
        document = find_document(host.document)
        assert document is not None
        return document

    def _remembered(self) -> str:
        document = Krita.instance().activeDocument()
        return self._sources.get(document_id(document), "") if document is not None else ""

    def _leave_strokes(self, document: Document) -> None:
        self.paint.give_back(active_view())
        active, source = document.activeNode(), find_node(document, self._remembered())
        if active is not None and source is not None and is_helper(document, active):
            document.setActiveNode(source)

    def _drag(self, on: bool) -> None:
        self.dragging = on
        overlay = self._fitted_overlay()
        if overlay is not None:
            overlay.set_dragging(on)
            if not on:
                self.pulling.stop()
                overlay.set_look(None)

    def _fitted_overlay(self) -> Overlay | None:
        """Return the overlay of the canvas in front, making one when that canvas has none yet."""
        window = Krita.instance().activeWindow()
        widget = canvas_widget(window) if window is not None else None
        if widget is None:
            self.overlay = None
            return None
        known = widget.findChild(Overlay)
        if known is None:
            known = Overlay(widget)
            known.pulling.connect(self.pull)
            known.pulled.connect(self.pulled)
            known.removed.connect(lambda name: self.remove_cue(f"handle:{name}"))
            known.abandoned.connect(self.pulling.stop)
            known.destroyed.connect(
                self._forget_overlay
            )  # it goes with its canvas, when the painter closes the document
        if self.overlay is not known:
            self.overlay = known
            known.set_dragging(self.dragging)
        return known

    def _forget_overlay(self) -> None:
        self.overlay = None

    # ---- handles ----------------------------------------------------------------------------------------------------

    def pull(self, handle: Handle, name: str) -> None:
        """The pointer moves with a handle in it: ask for a look at what that would give."""
        document = Krita.instance().activeDocument()
        if document is not None:
            others = tuple(known for key, known in points.segments(document) if key != name)
            self.pulling.follow(self._remembered(), (*others, handle), grab=self.panel.holds.isChecked())

    def pulled(self, handle: Handle, name: str) -> None:
        """A handle was let go: it becomes a line on the drag layer."""
        document = Krita.instance().activeDocument()
        if document is None:
            return
        try:
            if name:
                points.change(document, name, handle)
            else:
                points.add(document, handle)
        except ScumbleError as error:
            self.panel.show_message(plain(error), trouble=True)
        self.refresh()

    def remove_cue(self, key: str) -> None:
        """Take away a handle, or all strokes of one kind."""
        document = Krita.instance().activeDocument()
        if document is None:
            return
        kind, _, name = key.partition(":")
        if kind == "handle":
            points.remove(document, name)
            self.pulling.stop()
        else:
            strokes.remove(document, kind)
            self._leave_strokes(document)
        self.refresh()

    # ---- edits ------------------------------------------------------------------------------------------------------

    def edit(self) -> None:
        """Send what has been placed and said; the document's own edit that is under way goes first."""
        try:
            host = KritaHost.of_active(self._remembered(), self.panel.holds.isChecked())
            if host.document in self.work.jobs:
                return
            settings = self._settings.get(host.document) or Settings(seed=secrets.randbelow(NEW_SEEDS))
            request = plan_edit(host, self._words(), settings)
        except ScumbleError as error:
            self.panel.show_message(plain(error), trouble=True)
            return
        self._begun(self.work.begin(host, request, host.document))

    def _words(self) -> Words | None:
        text = self.panel.words.text().strip()
        return Instruction(text) if text else None

    def run_again(self, key: str) -> None:
        """Make a layer anew from its recipe, over what the picture is now."""
        document = Krita.instance().activeDocument()
        if document is None or document_id(document) in self.work.jobs:
            return
        try:
            host = host_for_rerun(document, key)
            request = plan_rerun(host, recipe_of(document, key))
        except ScumbleError as error:
            self.panel.show_message(plain(error), trouble=True)
            return
        self._begun(self.work.begin(host, request, host.document, replaces=key))

    def change(self, key: str) -> None:
        """Bring a layer's cues and words back, to be altered; the layer itself is hidden, not touched."""
        document = Krita.instance().activeDocument()
        if document is None:
            return
        try:
            host, recipe = host_for_rerun(document, key), recipe_of(document, key)
            bring_back(document, recipe)
        except ScumbleError as error:
            self.panel.show_message(plain(error), trouble=True)
            return
        self._sources[host.document], self._settings[host.document] = host.source, recipe.settings
        self.panel.words.setText(recipe.words.text if isinstance(recipe.words, Instruction) else "")
        for layer, visible in ((key, False), (host.source, True)):
            node = find_node(document, layer)
            if node is not None:
                node.setVisible(visible)
        source = find_node(document, host.source)
        if source is not None:
            document.setActiveNode(source)
        self.panel.show_message(say("Its cues are back: alter them and press Edit. The earlier layer is hidden."))
        self.refresh()

    def _begun(self, job: Job) -> None:
        self.panel.show_message("")
        self._give_keys_back()
        document = find_document(job.document)
        if document is not None and not job.replaces:
            self._sources[job.document] = job.request.snapshot.canvas.source
            self._leave_strokes(document)
            # Hiding a layer can take Krita 50 ms: not in the same breath as the reading.
            QTimer.singleShot(0, lambda: self._hide_cues(job))
        self._drag(False)
        QTimer.singleShot(0, self.refresh)

    def _give_keys_back(self) -> None:
        """After Return in the line of words, Ctrl+Z is to take back the layer, not the typing."""
        overlay = self._fitted_overlay()
        canvas = overlay.parentWidget() if overlay is not None else None
        if canvas is not None and self.panel.words.hasFocus():
            canvas.setFocus()

    def _hide_cues(self, job: Job) -> None:
        document = find_document(job.document)
        if document is not None and not job.over:
            self._hidden[job.document] = hide_helpers(document)

    def cancel(self) -> None:
        """Stop the edit of the document in front."""
        document = Krita.instance().activeDocument()
        if document is not None:
            self.work.cancel(document_id(document))

    # ---- the timers -------------------------------------------------------------------------------------------------

    @told
    def tick(self) -> None:
        """Go on with the work and show how far it is."""
        self.work.tick()
        while self.work.finished:
            self._finish(self.work.finished.pop(0))
        self._show_work()
        self._follow_canvas()

    def _finish(self, job: Job) -> None:
        document = find_document(job.document)
        hidden = self._hidden.pop(job.document, [])
        if job.sentence:
            for node in (find_node(document, layer) for layer in hidden) if document is not None else ():
                if node is not None:
                    node.setVisible(True)
            self.panel.show_message(job.sentence, trouble=not job.cancelled)
        else:
            self._settings.pop(job.document, None)
            if document is not None:
                mark_used(document, hidden)
            self._placed(job, document)
        self.refresh()

    def _placed(self, job: Job, document: Document | None) -> None:
        replaced = find_node(document, job.replaces) if document is not None and job.replaces else None
        if replaced is not None:
            replaced.setVisible(False)
        if not job.replaces:
            self.panel.words.clear()
        assert job.run is not None
        assert job.run.layer is not None
        notes = " ".join(job.run.notes)
        self.panel.show_message(notes or say("Added “{name}”.", name=job.run.layer.name))

    def _show_work(self) -> None:
        state, phase = self.work.state, self.work.phase
        self._show_trouble(self.work.trouble)
        self.panel.show_engine(phase, engine_words(phase, state.model if state else "", state.device if state else ""))
        document = Krita.instance().activeDocument()
        job = self.work.jobs.get(document_id(document)) if document is not None and self.work.jobs else None
        self.panel.show_job(
            None if job is None else job_words(job), job.run.fraction if job is not None and job.run else 0.0
        )
        if self.overlay is not None:
            self.overlay.set_look(self._preview(job) or (self.pulling.look() if self.dragging else None))

    def _preview(self, job: Job | None) -> Look | None:
        """Return the newest preview of a job, as the same object until there is a newer one."""
        run = job.run if job is not None else None
        if run is None or run.preview is None or run.preview_bounds is None:
            return None
        if self._looked_at is None or self._looked_at[0] is not run.preview:
            self._looked_at = (run.preview, Look(image_of(run.preview.plane), run.preview_bounds))
        return self._looked_at[1]

    def _show_trouble(self, trouble: str) -> None:
        """Say once why there is no engine; when an edit waited for it, that edit says so itself."""
        if trouble != self._trouble:
            self._trouble = trouble
            if trouble:
                self.panel.show_message(trouble, trouble=True)

    def _follow_canvas(self) -> None:
        overlay, view = self.overlay, active_view()
        if overlay is None or view is None or not overlay.isVisible():
            return
        widget = overlay.parentWidget()
        if widget is not None:
            overlay.set_segments(overlay.segments, to_widget(view, widget))

    @told
    def refresh(self) -> None:
        """Show the document in front: its cues, its Scumble layers, and the tool that is on."""
        document = Krita.instance().activeDocument()
        overlay = self._fitted_overlay()
        if document is None or overlay is None:
            self.dragging = False
            self.panel.show_tool("")
            self.panel.show_cues([])
            self.panel.show_layers([])
            return
        self._remember_source(document)
        found, view = points.segments(document), active_view()
        widget = overlay.parentWidget()
        if view is not None and widget is not None:
            overlay.set_segments(found, to_widget(view, widget))
        rows = cue_rows(document, found)
        self.panel.show_tool("drag" if self.dragging else active_role(document))
        self.panel.show_cues(rows)
        self.panel.show_grab(bool(found) and selection_bounds(document) is not None)
        self._refresh_layers(document)
        self.panel.show_guess(self.guessing.look(document, self._remembered()))

    def _refresh_layers(self, document: Document) -> None:
        rows = self.history.rows(document)
        if document_id(document) not in self.work.jobs:
            self.history.look_at_next(document, rows)
        self.panel.show_layers(self.history.rows(document))

    def _remember_source(self, document: Document) -> None:
        active = document.activeNode()
        if active is not None and not is_helper(document, active):
            self._sources[document_id(document)] = id_of(active)
