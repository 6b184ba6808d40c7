"""The docker: joins the panel, the overlay on the canvas and the work in progress to the document in front of the painter."""

from __future__ import annotations

import functools
import secrets
import traceback
from collections.abc import Callable

from krita import DockWidget, Document, Krita
from scumble_protocol.client.request import Words
from scumble_protocol.client.run import plan_edit, plan_rerun
from scumble_protocol.client.sight import edited_sentence
from scumble_protocol.errors import ScumbleError
from scumble_protocol.messages import Handle, Instruction, Settings

from . import points, strokes
from .canvas import KritaHost, source_layer
from .changing import Changing
from .guessing import Guessing
from .history import History, host_for_rerun, recipe_of
from .masks import layer_of
from .nodes import SOURCE, document_id, find_document, find_node, hide_helpers, id_of, is_helper, kept, mark_used
from .overlay import Overlay
from .panel import CueRow, Panel
from .progress import Progress
from .pulling import Pulling
from .qt import QApplication, QTimer
from .selections import selection_bounds
from .sentences import cue_rows
from .stage import Stage
from .tools import PaintTool, active_role
from .undone import Undone
from .view import active_view
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
        self.stage = Stage(self, self._listen)
        self.progress = Progress(self.panel, self.work)
        self.changing = Changing()
        self.undone = Undone()
        self._front = ""  # id of the document that was last in front of this window
        self._sources: dict[str, str] = {}  # document id -> the layer to edit while a helper layer is active
        self._hidden: dict[str, list[str]] = {}  # document id -> helper layers that its running edit has hidden
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

    @property
    def overlay(self) -> Overlay | None:
        return self.stage.overlay

    def _refresh_if_seen(self) -> None:
        # Krita leaks a little with every list of nodes that it hands out: some 3 KB a refresh with ten layers.
        if self.isVisible():
            self.refresh()
        self._sweep()

    @told
    def _sweep(self) -> None:
        """Keep what was undone out of the file, also while the docker is hidden: the painter may save at any time."""
        document = Krita.instance().activeDocument()
        if document is not None and self.stage.is_ours():
            self.undone.sweep(document)
        self.undone.forget_closed()

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
        self.stage.drag(on)
        if not on:
            self.pulling.stop()
            if self.overlay is not None:
                self.overlay.set_look(None)

    def _listen(self, overlay: Overlay) -> None:
        overlay.pulling.connect(self.pull)
        overlay.pulled.connect(self.pulled)
        overlay.removed.connect(lambda name: self.remove_cue(f"handle:{name}"))
        overlay.abandoned.connect(self.pulling.stop)

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
        elif kind == "change":
            self._give_up_change(document)
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
            changed = self.changing.settings(host.document, host.source)
            settings = changed or Settings(seed=secrets.randbelow(NEW_SEEDS))
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
            recipe = self.changing.begin(document, key)
        except ScumbleError as error:
            self.panel.show_message(plain(error), trouble=True)
            return
        self._sources[document_id(document)] = kept(document, SOURCE + key)
        self.panel.words.setText(recipe.words.text if isinstance(recipe.words, Instruction) else "")
        self.panel.holds.setChecked(recipe.grab is not None and recipe.mask is None)
        self.panel.show_message(say("Its cues are back: alter them and press Edit. The earlier layer is hidden."))
        self.refresh()

    def _give_up_change(self, document: Document) -> None:
        self.changing.give_up(document)
        points.clear(document)
        for role in strokes.ROLES:
            strokes.remove(document, role)
        self.panel.words.clear()
        self._leave_strokes(document)

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
        if self.panel.words.hasFocus():
            self.stage.give_keys_to_canvas()

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
        if self.overlay is not None and self.overlay.isVisible():
            self.stage.follow()

    def _finish(self, job: Job) -> None:
        document = find_document(job.document)
        hidden = self._hidden.pop(job.document, [])
        if job.sentence:
            for node in (find_node(document, layer) for layer in hidden) if document is not None else ():
                if node is not None:
                    node.setVisible(True)
            self.panel.show_message(job.sentence, trouble=not job.cancelled)
        else:
            self.changing.end(job.document)
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
        notes = " ".join(map(say, job.run.notes))
        self.panel.show_message(notes or say("Added “{name}”.", name=job.run.layer.name))

    def _show_work(self) -> None:
        job = self.work.jobs.get(self._front)
        self.progress.show(job)
        if self.overlay is not None:
            self.overlay.set_look(self.progress.look(job) or (self.pulling.look() if self.stage.dragging else None))

    @told
    def refresh(self) -> None:
        """Show the document in front: its cues, its Scumble layers, and the tool that is on."""
        if not self.stage.is_ours():
            return
        document = Krita.instance().activeDocument()
        overlay = self.stage.fitted()
        if document is None or overlay is None:
            self._show_nothing()
            return
        self._front = document_id(document)
        self._remember_source(document)
        found = points.segments(document)
        self.stage.follow(found)
        self._show_edited(document)
        self._show_cues(document, found)
        self.panel.show_tool("drag" if self.stage.dragging else active_role(document))
        self.panel.show_grab(bool(found) and selection_bounds(document) is not None)
        self._refresh_layers(document)
        self.panel.show_guess(self.guessing.look(document, self._remembered()))

    def _show_nothing(self) -> None:
        self._front = ""
        self.stage.drag(False)
        self.panel.show_edited("")
        self.panel.show_tool("")
        self.panel.show_cues([])
        self.panel.show_layers([])

    def _show_cues(self, document: Document, found: list[points.Segment]) -> None:
        rows = cue_rows(document, found, find_node(document, self._remembered()))
        if self._front not in self.work.jobs:  # whose cues are hidden
            self.changing.look(document, bool(rows or self.panel.words.text().strip()))
        changed = self.changing.name(document)
        row = [CueRow("change", say("Changes “{name}”", name=changed))] if changed else []
        self.panel.show_cues([*row, *rows])

    def _refresh_layers(self, document: Document) -> None:
        rows = self.history.rows(document)
        if document_id(document) not in self.work.jobs:
            self.history.look_at_next(document, rows)
        self.panel.show_layers(self.history.rows(document))

    def _remember_source(self, document: Document) -> None:
        active = document.activeNode()
        if active is not None and not is_helper(document, active):
            self._sources[document_id(document)] = id_of(layer_of(active))

    def _show_edited(self, document: Document) -> None:
        """Say which layer the next edit would be about; "" where it says itself why there is none."""
        try:
            name = source_layer(document, self._remembered()).name()
        except ScumbleError:
            name = ""
        self.panel.show_edited(say(edited_sentence(name)) if name else "")
