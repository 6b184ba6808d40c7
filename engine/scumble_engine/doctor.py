"""What is found on this machine and what is missing, each with one line of advice. Looks, and tries one plane through an engine."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from scumble_protocol import __version__
from scumble_protocol.client.launcher import ENGINE_VARIABLE, Launcher, find
from scumble_protocol.client.session import Session
from scumble_protocol.connection import ConnectionInfo, connection_path, own_runtime_dir
from scumble_protocol.errors import EngineError, ScumbleError
from scumble_protocol.messages import Echoed
from scumble_protocol.pixels import Plane

from . import install
from .models import registry
from .models.catalogue import PHOTO_FILL

PACKAGES = (
    "cv2",
    "imagecodecs",
    "msgpack",
    "numpy",
    "onnxruntime",
    "PIL",
    "platformdirs",
    "psutil",
    "scipy",
    "skimage",
    "tifffile",
    "zmq",
)
EXTRA_PACKAGES = ("torch", "diffusers", "transformers", "peft", "safetensors")
LEAST_MEMORY_MIB, LEAST_DISK_MIB = 1024, 512
ANSWER_WITHIN_S = 15.0
IDLE_EXIT_S = 2


@dataclass(frozen=True)
class Finding:
    """`what` was looked at, how it is, and what to do when it isn't well. Without what is `vital` no edit can run."""

    what: str
    ok: bool
    state: str
    advice: str = ""
    vital: bool = False


def examine() -> tuple[Finding, ...]:
    """Look at everything; takes a second or two. Never raises ScumbleError."""
    looks: tuple[Callable[[], Finding], ...] = (
        look_at_packages,
        look_at_runtime_dir,
        look_at_engine,
        look_at_photo_fill,
        look_at_extra_packages,
        look_at_illustrator,
        look_at_device,
        look_at_memory,
        look_at_disk,
        lambda: look_at_plug_in("krita"),
        lambda: look_at_plug_in("gimp"),
    )
    return (Finding("scumble", True, f"{__version__}, Python {sys.version.split()[0]}"), *(look() for look in looks))


def report(findings: Sequence[Finding]) -> list[str]:
    """Write the findings as lines: a mark, what and how; advice on a line of its own; the verdict last."""
    lines = []
    for finding in findings:
        mark = "ok     " if finding.ok else "MISSING" if finding.vital else "missing"
        lines.append(f"{mark}  {finding.what}: {finding.state}")
        if finding.advice and not finding.ok:
            lines.append(f"         -> {finding.advice}")
    can_run = all(finding.ok for finding in findings if finding.vital)
    lines.append("Photographs can be edited." if can_run else "Edits can't run until what is MISSING is there.")
    return lines


# ---- the looks ------------------------------------------------------------------------------------------------------


def look_at_packages() -> Finding:
    gone = [name for name in PACKAGES if find_spec(name) is None]
    state = f"not installed: {', '.join(gone)}" if gone else "all there"
    return Finding("packages", not gone, state, "Install Scumble again: pip install scumble.", vital=True)


def look_at_extra_packages() -> Finding:
    gone = [name for name in EXTRA_PACKAGES if find_spec(name) is None]
    state = f"not installed: {', '.join(gone)}" if gone else "all there"
    advice = "For edits by words and by add and colour strokes: pip install 'scumble[engine]'."
    return Finding("packages for text-to-image models", not gone, state, advice)


def look_at_runtime_dir() -> Finding:
    what = "runtime folder"
    try:
        folder = own_runtime_dir()
    except ScumbleError as error:
        return Finding(what, False, error.sentence, "Close it to others, or set SCUMBLE_RUNTIME_DIR to another.", True)
    except OSError as error:
        advice = "Make it writable, or set SCUMBLE_RUNTIME_DIR to a folder that is."
        return Finding(what, False, f"can't be made ({error.strerror or error})", advice, True)
    if not os.access(folder, os.W_OK):
        return Finding(what, False, f"{folder} can't be written", "Set SCUMBLE_RUNTIME_DIR to another.", True)
    return Finding(what, True, str(folder))


def look_at_engine() -> Finding:
    """Send a plane through the engine that runs, or through one started for this, and back."""
    what, advice = "engine", "Run “scumble engine” in a terminal to see what it says."
    try:
        running = find()
        stale = running is None and connection_path().exists()
        started = time.monotonic()
        info = running or _start_engine()
        state = _try(info, stop=running is None)
        seconds = time.monotonic() - started
    except ScumbleError as error:
        return Finding(what, False, error.sentence, advice, vital=True)
    except OSError as error:
        return Finding(what, False, f"can't be reached ({error.strerror or error})", advice, vital=True)
    if info.engine_version != __version__:
        old = f"runs, but is version {info.engine_version}"
        return Finding(what, False, old, f"End process {info.pid}; the next edit starts version {__version__}.")
    how = f"runs as process {info.pid}" if running else f"starts and answers in {seconds:.1f} s"
    return Finding(what, True, how + (", replacing a stale connection file" if stale else "") + state)


def look_at_photo_fill() -> Finding:
    facts = registry.facts(PHOTO_FILL)
    state = f"here, {facts.path}" if facts.present else facts.note or "not here, so holes are filled smoothly"
    return Finding(
        "photo-fill (fills holes in photographs)", facts.present, state, "Run: scumble models pull photo-fill."
    )


def look_at_illustrator() -> Finding:
    model = registry.find("illustrator")
    here = model is not None and registry.facts(model).present
    advice = "Edits by words need it or another model: scumble engine --model NAME."
    return Finding("illustrator (paints illustrations)", here, "here" if here else "not here", advice)


def look_at_device() -> Finding:
    from .device import find_device

    try:
        return Finding("device", True, find_device("auto"))
    except (ScumbleError, OSError, ImportError) as error:
        return Finding("device", False, str(error), "Photographs need none; torch may have to be installed again.")


def look_at_memory() -> Finding:
    import psutil

    free = psutil.virtual_memory().available // 2**20
    advice = "Close other programs: a large photograph needs about 1 GiB."
    return Finding("memory", free >= LEAST_MEMORY_MIB, f"{free} MiB free", advice)


def look_at_disk() -> Finding:
    folder = registry.models_dir()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    free = shutil.disk_usage(folder).free // 2**20
    return Finding(
        "disk for models",
        free >= LEAST_DISK_MIB,
        f"{free} MiB free at {folder}",
        "Make room, or set SCUMBLE_MODELS_DIR.",
    )


def look_at_plug_in(host: str) -> Finding:
    folders = _plug_in_folders(host)
    what, advice = f"plug-in for {host.title() if host == 'krita' else 'GIMP'}", f"Run: scumble install {host}."
    if not folders:
        return Finding(
            what, False, "the program was not found for this user", f"Install it, start it once, then: {advice}"
        )
    missing = [folder for folder in folders if not folder.exists()]
    return Finding(what, not missing, f"not in {missing[0].parent}" if missing else f"in {folders[0]}", advice)


def _plug_in_folders(host: str) -> list[Path]:
    if host == "krita":
        from .install import krita

        return [place.pykrita / krita.NAME for place in krita.places()]
    from .install import gimp

    return [place.plug_in for place in gimp.places()]


# ---- trying the engine ----------------------------------------------------------------------------------------------


def _start_engine() -> ConnectionInfo:
    command = (
        None
        if os.environ.get(ENGINE_VARIABLE)
        else [*install.scumble_command(), "engine", f"--idle-exit={IDLE_EXIT_S}"]
    )
    launcher = Launcher(command, timeout_s=ANSWER_WITHIN_S)
    while (info := launcher.poll()) is None:
        time.sleep(0.02)
    return info


def _try(info: ConnectionInfo, stop: bool) -> str:
    """Send a plane and compare what comes back. Raises ScumbleError; returns what the engine says of itself."""
    session = Session(info, "scumble doctor")
    try:
        state = session.wait_until_open(ANSWER_WITHIN_S)
        plane = Plane(256, 256, 4, "u8", os.urandom(256 * 256 * 4))
        job, deadline = session.echo(plane), time.monotonic() + ANSWER_WITHIN_S
        while time.monotonic() < deadline:
            for event in session.wait(0.1):
                if isinstance(event, Echoed) and event.job == job and bytes(event.plane.data) == bytes(plane.data):
                    return f"; {state.note}" if state.note else ""
        raise session.error or EngineError("The engine did not send a picture back.", "engine-unreachable")
    finally:
        session.close(shutdown=stop)
