"""The Debian root that GIMP 3 runs in, and how to run a command there: mounts live and die with the command."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from scumble_engine.install.gimp import copy_plug_in

HERE = Path(__file__).parent
GIMPRC = "(show-welcome-dialog no)\n(save-session-info no)\n"
MISSING = "GIMP 3 is not here: run `make hosts` (root, Debian 12) to make a Debian 13 root with it"

# A mount namespace of its own: whatever happens to the command, nothing stays mounted in the root.
ENTER = """
set -eu
mount -t proc proc "$ROOT/proc"; mount --rbind /sys "$ROOT/sys"; mount --rbind /dev "$ROOT/dev"
mkdir -p "$ROOT$SHARED" "$ROOT/tmp/.X11-unix"; mount --bind "$SHARED" "$ROOT$SHARED"
if [ -d /tmp/.X11-unix ]; then mount --bind /tmp/.X11-unix "$ROOT/tmp/.X11-unix"; fi
exec chroot "$ROOT" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
"""


def hosts_folder() -> Path:
    """Return where `make hosts` keeps its roots."""
    return Path(os.environ.get("SCUMBLE_HOSTS") or Path.home() / ".cache" / "scumble" / "hosts")


@dataclass(frozen=True)
class Root:
    """A root with GIMP 3, and the one folder that it shares with us, at the same path inside and outside."""

    path: Path
    shared: Path

    def start(
        self, command: list[str], variables: dict[str, str], output: IO[bytes] | int = subprocess.DEVNULL
    ) -> subprocess.Popen[bytes]:
        """Run a command in the root, in a process group of its own."""
        settings = [f"{name}={value}" for name, value in (variables | {"HOME": str(self.shared / "home")}).items()]
        return subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "bash", "-c", ENTER, "enter", *settings, *command],
            env=os.environ | {"ROOT": str(self.path), "SHARED": str(self.shared)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def prepare(shared: Path) -> Root:
    """Make a folder the home of a GIMP that has our plug-in, and what tests run inside it."""
    settings = shared / "home" / ".config" / "GIMP" / "3.0"
    settings.mkdir(parents=True)
    (settings / "gimprc").write_text(GIMPRC)
    copy_plug_in(settings / "plug-ins" / "scumble-gimp")
    shutil.copytree(HERE / "inside", shared / "inside", ignore=shutil.ignore_patterns("__pycache__"))
    return Root(hosts_folder() / "gimp3", shared)


def why_not() -> str:
    """Return "" when GIMP can run here, else one sentence with how to get it."""
    if not (hosts_folder() / "gimp3" / ".stage2").exists():
        return MISSING
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        return "GIMP 3 runs in a root of its own here, which needs root's rights"
    tools = [tool for tool in ("Xvfb", "xdotool", "import") if shutil.which(tool) is None]
    return f"{', '.join(tools)} is missing: run `make hosts`" if tools else ""
