"""How far the work is, in the panel: the engine's state and its troubles, the edit in front, and that edit's newest preview."""

from __future__ import annotations

from scumble_protocol.messages import Preview

from .overlay import Look
from .panel import Panel
from .pulling import image_of
from .sentences import engine_words, job_words
from .work import Job, Work


class Progress:
    def __init__(self, panel: Panel, work: Work) -> None:
        self._panel, self._work = panel, work
        self._trouble = ""
        self._looked_at: tuple[Preview, Look] | None = None

    def show(self, job: Job | None) -> None:
        """Show the engine, and the job of the document in front."""
        state, phase = self._work.state, self._work.phase
        self._show_trouble(self._work.trouble)
        model, device = (state.model, state.device) if state else ("", "")
        self._panel.show_engine(phase, engine_words(phase, model, device))
        done = job.run.fraction if job is not None and job.run is not None else 0.0
        self._panel.show_job(None if job is None else job_words(job), done)

    def look(self, job: Job | None) -> Look | None:
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
                self._panel.show_message(trouble, trouble=True)
