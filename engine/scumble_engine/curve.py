"""The keys that let an engine listen where other machines can reach it: its own CURVE key pair, in a folder of the user's."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

import zmq
from scumble_protocol.errors import RequestError
from scumble_protocol.wording import said

_NAME = "engine"
_CODE = "bad-curve-keys"


@dataclass(frozen=True)
class CurveKeys:
    """A server's key pair in Z85. Guests bring a key of their own making; the connection file's secret says who may talk."""

    public: bytes
    secret: bytes = field(repr=False)

    def protect(self, socket: zmq.Socket[bytes]) -> None:
        """Make an unbound socket encrypt, and prove to guests whose it is."""
        socket.curve_secretkey = self.secret
        socket.curve_publickey = self.public
        socket.curve_server = True


def curve_keys(folder: Path) -> CurveKeys:
    """Read the pair in `folder`, or make it there, readable by its owner only. Raises RequestError with a sentence."""
    from zmq.auth import create_certificates, load_certificate

    if not zmq.has("curve"):
        raise RequestError(
            "This installation of ZeroMQ has no CURVE; the engine can only listen on this machine.", _CODE
        )
    secret_file = folder / f"{_NAME}.key_secret"
    try:
        if not secret_file.exists():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            create_certificates(folder, _NAME)
            secret_file.chmod(0o600)
        _refuse_open(secret_file)
        public, secret = load_certificate(secret_file)
    except (OSError, ValueError) as exc:
        raise RequestError(
            said(
                "The keys in {folder} can't be used ({exc}); empty the folder to have new ones made.",
                folder=folder,
                exc=exc,
            ),
            _CODE,
        ) from exc
    if secret is None:
        raise RequestError(
            said(
                "The file {secret_file} holds no secret key; empty the folder to have new keys made.",
                secret_file=secret_file,
            ),
            _CODE,
        )
    return CurveKeys(public, secret)


def _refuse_open(secret_file: Path) -> None:
    status = secret_file.stat()
    if sys.platform != "win32" and (status.st_uid != os.getuid() or status.st_mode & 0o077):
        raise RequestError(
            said(
                "Other users can read {secret_file}; close it to them (chmod 600) or have new keys made.",
                secret_file=secret_file,
            ),
            _CODE,
        )
