"""Wait for an edit inside a procedure's own process, with GIMP's progress bar. Its Cancel ends this process, and so the job."""

from __future__ import annotations

import traceback

from gi.repository import Gimp, GLib
from scumble_protocol.client.request import Request
from scumble_protocol.client.run import EditRun
from scumble_protocol.errors import EngineError

from .canvas import GimpHost
from .desk import Desk
from .wording import _, failed_inside

TICK_MS = 30


def client_name() -> str:
    return f"gimp {Gimp.version()}"


def carry_out(host: GimpHost, request: Request) -> EditRun:
    """Have the edit made and placed. Raises ScumbleError with its sentence; nothing has changed then."""
    desk = Desk(client_name())
    Gimp.progress_init(_("Scumble"))
    loop = GLib.MainLoop()
    shown: list[object] = []
    faults: list[Exception] = []

    def tick() -> bool:
        try:
            desk.tick()
            _show(desk, shown)
        except Exception as error:  # GLib would end this timer, and the loop below would never end
            traceback.print_exc()
            faults.append(error)
        if desk.over or faults:
            loop.quit()
        return not (desk.over or faults)

    desk.begin(host, request)
    GLib.timeout_add(TICK_MS, tick)
    if not desk.over:
        loop.run()
    desk.close()
    Gimp.progress_end()
    if faults:
        raise EngineError(failed_inside(faults[0])) from faults[0]
    if desk.error:
        raise desk.error
    if desk.run is None:
        raise EngineError(_("The edit ended without an answer; make it again."))
    return desk.run


def _show(desk: Desk, shown: list[object]) -> None:
    """Tell GIMP only what is new: each call is a round trip."""
    now: list[object] = [desk.status, round(desk.fraction, 3)]
    if now == shown:
        return
    shown[:] = now
    Gimp.progress_set_text(desk.status)
    if desk.fraction < 0:
        Gimp.progress_pulse()
    else:
        Gimp.progress_update(desk.fraction)
