"""The process that owns torch and the device: it runs one job at a time and says each second that it lives.

The main thread runs edits; a second thread owns the socket, so a long step never silences the heartbeat.
"""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import os
import queue
import secrets
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import zmq
from scumble_protocol import __version__
from scumble_protocol.errors import AskedBack, Cancelled, EngineError, RequestError, ScumbleError
from scumble_protocol.messages import (
    Cancel,
    Edit,
    EngineMessage,
    EngineState,
    Failure,
    Goodbye,
    Guess,
    Guessed,
    Message,
    Ping,
    Pong,
    Preview,
    Progress,
    PromptPair,
    Purpose,
    Read,
    Reading,
    Result,
    Submit,
    Welcome,
    cue_names,
)
from scumble_protocol.wire import NONCE_BYTES, SeenNonces, accept_hello, choose_version
from scumble_protocol.wording import said

from .boot import OUT_OF_MEMORY, Boot
from .edits.work import Layer, Sketch, Step, Work
from .pace import Memory, Pace

if TYPE_CHECKING:
    from .models.shelf import Shelf

_WAKE = "inproc://wake"
_MEMORY_WORDS = (
    "out of memory",
    "can't allocate memory",
    "failed to allocate memory",
    "bad_alloc",
    "insufficient memory",
)

NEED_A_MODEL = frozenset({"AddStrokes", "ColorStrokes", "Instruction", "PromptPair"})

log = logging.getLogger(__name__)


class Studio(Protocol):
    """What a worker can do. The shelf of models is one; tests bring their own."""

    def state(self) -> EngineState:
        """Look at device and model. Raises ScumbleError when nothing can ever run here."""
        ...

    def perform(self, edit: Edit, purpose: Purpose) -> Work: ...

    def guess(self, edit: Edit) -> tuple[tuple[str, ...], tuple[float, ...]]: ...

    def read(self, instruction: str, picture_words: str) -> tuple[PromptPair, str]: ...


class Link:
    """The thread that talks with the server. The main thread takes jobs from `jobs` and hands events to `say`."""

    def __init__(self, boot: Boot) -> None:
        self.jobs: queue.Queue[Submit | Guess | Read | None] = queue.Queue()
        self.state = EngineState(__version__, "starting", boot.model, boot.device, ())
        self.memory: Memory = {}  # how long steps took
        self._cancelled = ""  # the newest; the server gives no name twice, and one job at a time
        self._outgoing: queue.Queue[EngineMessage | None] = queue.Queue(maxsize=16)
        self._channel, hello = accept_hello(boot.key, boot.hello, SeenNonces())
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context.instance()
        self._server = context.socket(zmq.PAIR)
        self._server.linger = 1000
        if boot.curve_server_key:
            self._server.curve_publickey, self._server.curve_secretkey = zmq.curve_keypair()
            self._server.curve_serverkey = boot.curve_server_key.encode()
        self._server.connect(boot.address)
        self._woken, self._wake = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
        self._woken.bind(_WAKE)
        self._wake.connect(_WAKE)
        self._pass_on(Welcome(choose_version(hello.versions), secrets.token_bytes(NONCE_BYTES), self.state))
        self._thread = threading.Thread(target=self._talk, name="link", daemon=True)
        self._thread.start()

    def say(self, event: EngineMessage | None) -> None:
        """Send an event from the main thread; None ends the talk after what was said before."""
        self._outgoing.put(event)
        self._wake.send(b"")

    def cancelled(self, job: str) -> bool:
        return job == self._cancelled

    def close(self) -> None:
        """Say what is left to say, and stop."""
        self.say(None)
        self._thread.join(timeout=5)

    def _talk(self) -> None:
        poller = zmq.Poller()
        poller.register(self._server, zmq.POLLIN)
        poller.register(self._woken, zmq.POLLIN)
        talking = True
        while talking:
            ready = dict(poller.poll())
            if self._server in ready:
                self._hear(self._channel.open([frame.buffer for frame in self._server.recv_multipart(copy=False)]))
            if self._woken in ready:
                self._woken.recv()
                talking = self._pass_on(self._outgoing.get())
        self._server.close()

    def _pass_on(self, event: EngineMessage | None) -> bool:
        if event is not None:
            self._server.send_multipart(self._channel.seal(event), copy=False)
        return event is not None

    def _hear(self, message: Message) -> None:
        if isinstance(message, Ping):
            self._pass_on(Pong(message.number, self.state))
        elif isinstance(message, Cancel):
            self._cancelled = message.job
        elif isinstance(message, (Submit, Guess, Read)):
            self.jobs.put(message)
        elif isinstance(message, Goodbye):
            self.jobs.put(None)


def run(open_studio: Callable[[str, str], Studio]) -> int:
    """Be a worker until the server says goodbye or is gone. `open_studio(model, device)` is called once; returns the exit code."""
    faulthandler.enable()
    _offer_to_oom_killer()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    boot = Boot.from_line(sys.stdin.readline())
    threading.Thread(target=_leave_with_server, name="lifeline", daemon=True).start()
    link = Link(boot)
    try:
        studio = open_studio(boot.model, boot.device)
        link.state = studio.state()
        link.say(Pong(0, link.state))
        while (job := link.jobs.get()) is not None:
            link.say(_answer(job, studio, link))
    except Exception as exc:
        told = exc if isinstance(exc, ScumbleError) else _log_and_tell(exc)
        link.say(Failure("", told.code, told.sentence))
        return told.exit_code
    finally:
        link.close()
    return 0


def _offer_to_oom_killer() -> None:
    """When memory ends, Linux should end this process rather than the server or the painter's own program."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500")


def _leave_with_server() -> None:
    """Standard input ends when the server dies, however it dies: then nobody wants what this process does."""
    sys.stdin.read()
    os._exit(0)


def _answer(job: Submit | Guess | Read, studio: Studio, link: Link) -> EngineMessage:
    """Run one job to its final event, whatever happens: the one place where foreign exceptions become sentences."""
    try:
        return _do(job, studio, link)
    except Exception as exc:
        told = exc if isinstance(exc, ScumbleError) else _log_and_tell(exc)
        reading = told.reading if isinstance(told, AskedBack) else None
        return Failure(job.job, told.code, told.sentence, reading=reading)


def _log_and_tell(exc: Exception) -> EngineError:
    log.error("an error that is not ours", exc_info=exc)
    return told_as(exc)


def _do(job: Submit | Guess | Read, studio: Studio, link: Link) -> EngineMessage:
    if isinstance(job, Submit):
        return _work(job, studio.perform(job.edit, job.purpose), link)
    if isinstance(job, Guess):
        return Guessed(job.job, *studio.guess(job.edit))
    return Reading(job.job, *studio.read(job.instruction.text, job.picture_words))


def _work(job: Submit, work: Work, link: Link) -> Result:
    """Walk through an edit's steps. Raises Cancelled at the first step after a cancel, with the edit closed."""
    pace = Pace((cue_names(job.edit), job.edit.settings.method, job.purpose), link.memory)
    try:
        while True:
            if link.cancelled(job.job):
                raise Cancelled
            event = next(work)
            if isinstance(event, Step):
                left_s = pace.seconds_left(event.done, event.of, event.stage, time.monotonic())
                link.say(Progress(job.job, event.done, event.of, left_s, event.stage))
            elif isinstance(event, Sketch):
                link.say(Preview(job.job, event.bounds, event.plane))
    except StopIteration as end:
        if link.cancelled(job.job):
            raise Cancelled from None
        return _result(job.job, end.value)
    finally:
        work.close()


def _result(job: str, layer: Layer) -> Result:
    return Result(
        job, layer.bounds, layer.plane, layer.provenance, layer.notes, layer.reading, character=layer.character
    )


def told_as(exc: Exception) -> EngineError:
    """Translate an exception that is not ours into a sentence, and tell memory that ran out from everything else."""
    starved = isinstance(exc, MemoryError) or type(exc).__name__ == "OutOfMemoryError"
    if starved or any(words in str(exc).lower() for words in _MEMORY_WORDS):
        return EngineError(
            "The engine ran out of memory on this edit; try a smaller region or close other programs.", OUT_OF_MEMORY
        )
    return EngineError(
        said(
            "The engine met an error that it does not know ({name}); its log has the details.", name=type(exc).__name__
        )
    )


def check_model(model: str, loras: tuple[str, ...] = (), controls: tuple[str, ...] = ()) -> None:
    """Look at the model that was named, its LoRA files and control networks, short of fetching or loading them. Raises RequestError."""
    from .models import registry
    from .models.checkpoint import open_checkpoint
    from .models.control_file import check_kinds, control_from
    from .models.lora_file import lora_from

    for lora in loras:
        lora_from(lora)
    check_kinds(tuple(control_from(control) for control in controls))
    place = Path(model).expanduser()
    hub_id = model.count("/") == 1 and not model.startswith(("/", ".", "~"))
    if place.exists():
        open_checkpoint(place)
    elif model != "auto" and registry.find(model) is None and not hub_id:
        from .diffusion.loading import find_model

        find_model(model)


class ShelfStudio:
    """The real studio: the edits, on the models of a shelf."""

    def __init__(
        self,
        model: str,
        device: str,
        reader: str = "",
        guesser: str = "",
        loras: tuple[str, ...] = (),
        controls: tuple[str, ...] = (),
    ) -> None:
        from .device import find_device
        from .models.shelf import Shelf

        self._shelf = Shelf(model, find_device(device), reader, guesser, loras, controls)

    def state(self) -> EngineState:
        """Say what can be served; a model that cannot be used is a note, since edits that do not need it still run."""
        from .edits import choose

        cues, note = choose.served_cues(self._shelf), ""
        try:
            check_model(self._shelf.model, self._shelf.loras, self._shelf.controls)
        except RequestError as exc:
            cues, note = tuple(cue for cue in cues if cue not in NEED_A_MODEL), exc.sentence
        note = " ".join(filter(None, (note, *_troubles(self._shelf))))
        return EngineState(__version__, "ready", self._shelf.model, self._shelf.device, cues, note=note)

    def perform(self, edit: Edit, purpose: Purpose) -> Work:
        from .edits import choose

        return choose.perform(edit, self._shelf, purpose)

    def guess(self, edit: Edit) -> tuple[tuple[str, ...], tuple[float, ...]]:
        from .edits import choose

        return choose.guess(edit, self._shelf)

    def read(self, instruction: str, picture_words: str) -> tuple[PromptPair, str]:
        from .edits import choose

        return choose.read(instruction, picture_words, self._shelf)


def _troubles(shelf: Shelf) -> tuple[str, ...]:
    """Say what is wrong with the painter's own reader and guesser, short of loading them."""
    found: list[str] = []
    for assistant, instead in (
        (shelf.own_reader, "Rules read"),
        (shelf.own_guesser, "The engine's own guesser guesses"),
    ):
        try:
            _ = assistant and assistant.own.folder()
        except RequestError as exc:
            found.append(said("{sentence} {instead} until then.", sentence=exc.sentence, instead=instead))
    return tuple(found)


def own_models(arguments: list[str]) -> dict[str, Any]:
    """Read `--reader=NAME`, `--guesser=NAME` and any number of `--lora=FILE:WEIGHT` and `--control=KIND=PATH`."""
    pairs = [argument.removeprefix("--").split("=", 1) for argument in arguments]
    many = {f"{one}s": tuple(value for name, value in pairs if name == one) for one in ("lora", "control")}
    return {**{name: value for name, value in pairs if name in ("reader", "guesser")}, **many}


def main() -> None:
    sys.exit(run(partial(ShelfStudio, **own_models(sys.argv[1:]))))


if __name__ == "__main__":
    main()
