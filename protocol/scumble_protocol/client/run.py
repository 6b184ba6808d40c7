"""One edit from the painter's button to the new layer, advanced by polling: the same steps in the CLI, Krita and GIMP.

    request = plan_edit(host, words, settings)      # reads the canvas once; RequestError before anything is sent
    run = EditRun(host, session, request)           # sends
    while not run.over: run.poll(); show(run)       # never blocks; the host's timer calls it

Several runs may share one session (two documents, a preview beside a final edit): then poll them through `poll_all`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import replace
from typing import Literal, Protocol

from ..errors import Cancelled, ScumbleError, error_for
from ..geometry import Bounds
from ..messages import (
    Accepted,
    Edit,
    Event,
    Failure,
    Preview,
    Progress,
    Purpose,
    Queued,
    Result,
    Settings,
)
from .host import Host, LayerPlan
from .placement import Draft, draft_recipe, plan_layer
from .recipe import Recipe, is_stale
from .request import Request, Words, build, crop_for

Phase = Literal["sent", "queued", "working", "placed", "previewed", "failed", "cancelled"]
STALE_NOTE = "The picture beneath has changed since this layer was made, so the new layer may differ."


class Doorway(Protocol):
    """What a run needs of `client.session.Session`."""

    def submit(self, edit: Edit, purpose: Purpose = "final") -> str: ...

    def cancel(self, job: str) -> None: ...

    def poll(self) -> Iterable[Event]: ...


def plan_edit(host: Host, words: Words | None = None, settings: Settings | None = None) -> Request:
    """Read once what the edit needs and build its request. Raises RequestError with a sentence."""
    canvas = host.canvas()
    return build(host.read(canvas, crop_for(canvas, host.marks())), words, settings)


def plan_rerun(host: Host, recipe: Recipe) -> Request:
    """Build the request that a recipe describes, over what the picture is now; a changed picture is said in its notes."""
    canvas = host.canvas()
    recipe.check_region(canvas.bounds)
    snapshot = recipe.cues_onto(host.read(canvas, recipe.region))
    request = replace(build(snapshot, recipe.words, recipe.settings), made_by=recipe.provenance)
    if not is_stale(recipe, snapshot.picture):
        return request
    return replace(request, notes=(STALE_NOTE, *request.notes))


class EditRun:
    """One submitted edit. Read its attributes after each poll; it never raises once it is sent.

    `sentence` says why it failed or was cancelled; `layer` is the plan that was placed (or, for a preview, not placed).
    """

    def __init__(self, host: Host, session: Doorway, request: Request, purpose: Purpose = "final") -> None:
        """Send the request. Raises ScumbleError when it can't be sent at all."""
        self.request = request
        self.purpose = purpose
        self.phase: Phase = "sent"
        self.ahead = 0
        self.progress: Progress | None = None
        self.preview: Preview | None = None
        self.layer: LayerPlan | None = None
        self.result: Result | None = None
        self.error: ScumbleError | None = None
        self._host = host
        self._session = session
        self.job = session.submit(request.edit, purpose)
        self._draft = _DraftThread(request) if purpose == "final" else None

    @property
    def over(self) -> bool:
        return self.phase in ("placed", "previewed", "failed", "cancelled")

    @property
    def sentence(self) -> str:
        return self.error.sentence if self.error else ""

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the painter: those of the request, and the engine's when there is a layer."""
        return self.layer.notes if self.layer else self.request.notes

    @property
    def fraction(self) -> float:
        """How much is done, 0..1."""
        if self.over:
            return 1.0
        return self.progress.step / self.progress.of if self.progress and self.progress.of else 0.0

    @property
    def preview_bounds(self) -> Bounds | None:
        """Where the newest preview belongs, in document pixels."""
        corner = self.request.snapshot.bounds
        return self.preview.bounds.moved(corner.x, corner.y) if self.preview else None

    def cancel(self) -> None:
        """Ask the engine to stop; the run is over when the engine says so, or at once when it can't be asked."""
        if self.over:
            return
        try:
            self._session.cancel(self.job)
        except ScumbleError as error:
            self.fail(error)

    def poll(self) -> None:
        """Take what has come in. Only for a session that serves this run alone; otherwise use `poll_all`."""
        poll_all(self._session, (self,))

    def take(self, event: Event) -> None:
        """Advance by one event of this run's job; others are left alone."""
        if self.over or getattr(event, "job", None) != self.job:
            return
        if isinstance(event, Queued):
            self.phase, self.ahead = "queued", event.position
        elif isinstance(event, Accepted):
            self.phase = "queued"
        elif isinstance(event, Progress):
            self.phase, self.progress = "working", event
        elif isinstance(event, Preview):
            self.phase, self.preview = "working", event
        elif isinstance(event, Failure):
            self.fail(error_for(event.code, event.sentence, event.reading))
        elif isinstance(event, Result):
            self._finish(event)

    def fail(self, error: ScumbleError) -> None:
        """End the run with this error, unless it is over already."""
        if not self.over:
            self.error = error
            self.phase = "cancelled" if isinstance(error, Cancelled) else "failed"

    def _finish(self, result: Result) -> None:
        try:
            layer = plan_layer(self.request, result, self._draft.finished() if self._draft else None)
            if self.purpose == "final":
                self._host.place(layer)
        except ScumbleError as error:
            self.fail(error)
            return
        self.result, self.layer = result, layer
        self.phase = "placed" if self.purpose == "final" else "previewed"


class _DraftThread(threading.Thread):
    """Works out the recipe's slow part while the engine works, so that a host's main thread never does."""

    def __init__(self, request: Request) -> None:
        super().__init__(name="scumble-recipe", daemon=True)
        self._request = request
        self._draft: Draft | None = None
        self.start()

    def run(self) -> None:
        self._draft = draft_recipe(self._request)

    def finished(self) -> Draft:
        """Return the draft; it is there long before any result, or else this waits for it."""
        self.join()
        return self._draft or draft_recipe(self._request)


def poll_all(session: Doorway, runs: Iterable[EditRun]) -> None:
    """Hand each event that has come in to the run whose job it belongs to. A lost engine ends every run with its sentence."""
    runs = tuple(runs)
    try:
        events = tuple(session.poll())
    except ScumbleError as error:
        for run in runs:
            run.fail(error)
        return
    for event in events:
        for run in runs:
            run.take(event)
