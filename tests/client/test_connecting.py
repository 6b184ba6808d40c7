"""Which transport is taken where, and what encryption lets through."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator

import pytest
import zmq
from client.far_ends import (
    KEY,
    SOCKET_KINDS,
    Gatekeeper,
    RouterEnd,
    fresh_address,
    info,
    received,
)
from scumble_engine.curve import CurveKeys
from scumble_protocol.client import transport as transport_module
from scumble_protocol.client.transport import Transport, ZmqTransport, connect, zmq_imports
from scumble_protocol.client.zmtp import ZmtpTransport

# ---- which transport is chosen --------------------------------------------------------------------------------------


@pytest.fixture
def without_zmq(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zmq", None)


def test_pyzmq_is_taken_where_it_imports() -> None:
    router = RouterEnd(fresh_address("ipc"))
    near = connect(info(router.address))
    assert isinstance(near, ZmqTransport)
    near.close()
    router.close()


def test_without_pyzmq_the_standard_library_is_enough(without_zmq: None) -> None:
    router = RouterEnd(fresh_address("ipc"))
    assert not zmq_imports()
    near = connect(info(router.address))
    assert isinstance(near, ZmtpTransport)
    near.close()
    router.close()


def test_addresses_of_other_machines_need_encryption() -> None:
    with pytest.raises(ConnectionError, match="not encrypted"):
        connect(info("tcp://192.0.2.1:5555"))


def test_encryption_needs_pyzmq(without_zmq: None) -> None:
    with pytest.raises(ConnectionError, match="needs pyzmq"):
        connect(info("tcp://127.0.0.1:5555", "x" * 40))


def test_importing_the_client_does_not_import_zmq() -> None:
    import subprocess

    code = (
        "import sys, scumble_protocol.client.session; raise SystemExit('zmq' in sys.modules or 'numpy' in sys.modules)"
    )
    folder = os.path.dirname(os.path.dirname(os.path.dirname(transport_module.__file__)))
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": folder}, timeout=60, check=False
    )
    assert done.returncode == 0


# ---- CURVE ----------------------------------------------------------------------------------------------------------


class CurveRouter(RouterEnd):
    def __init__(self) -> None:
        public, secret = zmq.curve_keypair()
        self.public_key = public.decode()
        self._context = zmq.Context()
        self._gatekeeper = Gatekeeper(self._context)
        self._socket = self._context.socket(zmq.ROUTER)
        self._socket.linger = 0
        self._gatekeeper.gate.protect(self._socket, CurveKeys(public, secret))
        self.address = f"tcp://127.0.0.1:{self._socket.bind_to_random_port('tcp://127.0.0.1')}"
        self._identity = b""


@pytest.fixture
def curve_router() -> Iterator[CurveRouter]:
    if not zmq.has("curve"):
        pytest.skip("this libzmq has no CURVE")
    router = CurveRouter()
    yield router
    router.close()


def test_curve_carries_messages(curve_router: CurveRouter) -> None:
    near = connect(info(curve_router.address, curve_router.public_key))
    near.send([b"secret", bytes(10_000)])
    assert received(curve_router) == [b"secret", bytes(10_000)]
    near.close()


def test_a_client_without_the_connection_files_key_does_not_get_through_curve(curve_router: CurveRouter) -> None:
    with pytest.raises(ConnectionError):
        ZmqTransport(curve_router.address, bytes([1]) * 32, curve_router.public_key, timeout_s=0.5)


@pytest.mark.parametrize("kind", SOCKET_KINDS)
def test_a_client_without_the_key_is_refused_at_once(kind: str) -> None:
    router = RouterEnd(fresh_address(kind))
    other = bytes([1]) * 32
    started = time.monotonic()
    with pytest.raises(ConnectionError, match="refused"):
        connect_as(kind, router.address, other)
    assert time.monotonic() - started < 2
    router.close()


def connect_as(kind: str, address: str, key: bytes) -> Transport:
    return ZmqTransport(address, key) if kind.startswith("zmq") else ZmtpTransport(address, key)


def test_an_engine_with_another_curve_key_is_not_spoken_to(curve_router: CurveRouter) -> None:
    other = zmq.curve_keypair()[0].decode()
    with pytest.raises(ConnectionError):
        ZmqTransport(curve_router.address, KEY, other, timeout_s=0.5)


def test_an_encrypting_engine_is_not_spoken_to_in_clear(curve_router: CurveRouter) -> None:
    for opener in (
        lambda: ZmqTransport(curve_router.address, KEY, timeout_s=0.5),
        lambda: ZmtpTransport(curve_router.address, KEY, 0.5),
    ):
        with pytest.raises(ConnectionError):
            opener()
