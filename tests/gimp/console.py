"""A GIMP without windows that does what a script author would do, in a batch."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from contextlib import suppress
from pathlib import Path

from gimp.line import InGimp, Line
from gimp.root import Root

START_TIMEOUT_S = 90.0
INTERPRETER = "--batch-interpreter=python-fu-eval"


class Console(Line):
    """One running gimp-console."""

    def __init__(self, root: Root, variables: dict[str, str]) -> None:
        door = socket.socket(socket.AF_UNIX)
        door.bind(str(root.shared / "console.sock"))
        door.listen(1)
        log = root.shared / "console.log"
        serve = root.shared / "inside" / "serve.py"
        code = f"exec(compile(open({str(serve)!r}).read(), 'serve.py', 'exec'), {{'SHARED': {str(root.shared)!r}}})"
        command = ["gimp-console-3.0", "-i", "-d", "-f", INTERPRETER, "-b", code, "--quit"]
        with open(log, "wb") as output:
            self.process = root.start(command, variables, output)
        door.settimeout(START_TIMEOUT_S)
        try:
            connection, _address = door.accept()
        except TimeoutError:
            end(self.process, 0)
            raise InGimp("gimp-console did not start: " + log.read_text(errors="replace")[-2000:]) from None
        finally:
            door.close()
            (root.shared / "console.sock").unlink()  # so that another can be started beside this one
        super().__init__(connection)

    def close(self) -> None:
        super().close()
        end(self.process)


def end(process: subprocess.Popen[bytes], grace_s: float = 10.0) -> None:
    """Wait for a process that was asked to end; after the grace time, kill its whole group."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(grace_s)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def processes_of(shared: Path, word: str) -> list[int]:
    """Return the ids of processes whose command line names our shared folder and that word (our plug-in's, for example)."""
    found = []
    for folder in Path("/proc").iterdir():
        with suppress(OSError):
            line = (folder / "cmdline").read_bytes().decode(errors="replace") if folder.name.isdigit() else ""
            if str(shared) in line and word in line:
                found.append(int(folder.name))
    return found
