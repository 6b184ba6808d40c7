"""Which device is meant, and the sentence when it is not there."""

from __future__ import annotations

import subprocess
import sys

import pytest
from scumble_engine.device import check_device_name, find_device, resolve
from scumble_protocol.errors import RequestError


@pytest.mark.parametrize(
    ("asked", "cuda_devices", "has_mps", "found"),
    [
        ("auto", 0, False, "cpu"),
        ("auto", 2, False, "cuda:0"),
        ("auto", 0, True, "mps"),
        ("cpu", 2, True, "cpu"),
        ("cuda", 1, False, "cuda:0"),
        ("cuda:1", 2, False, "cuda:1"),
        ("mps", 0, True, "mps"),
    ],
)
def test_what_is_there_is_taken(asked: str, cuda_devices: int, has_mps: bool, found: str) -> None:
    assert resolve(asked, cuda_devices, has_mps) == found


@pytest.mark.parametrize(
    ("asked", "cuda_devices", "words"),
    [("cuda", 0, "finds none"), ("cuda:2", 2, "finds 2 of them"), ("mps", 1, "finds none")],
)
def test_what_is_not_there_is_refused_with_advice(asked: str, cuda_devices: int, words: str) -> None:
    with pytest.raises(RequestError, match=words) as refused:
        resolve(asked, cuda_devices, has_mps=False)
    assert refused.value.code == "no-device"
    assert "--device auto" in refused.value.sentence


@pytest.mark.parametrize("name", ["", "gpu", "cuda:", "cuda:x", "cuda:-1", "CPU", "cuda:0 ", "cpu\n"])
def test_names_of_no_device_are_refused(name: str) -> None:
    with pytest.raises(RequestError, match="is not known; use auto, cpu, cuda"):
        check_device_name(name)


@pytest.mark.skipif(sys.platform == "darwin", reason="Macs have it")
def test_mps_is_refused_off_the_mac_without_torch() -> None:
    with pytest.raises(RequestError, match="only on Macs"):
        check_device_name("mps")


def test_cpu_is_found_without_importing_torch() -> None:
    code = (
        "import sys; from scumble_engine.device import find_device; print(find_device('cpu'), 'torch' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["cpu", "False"]


def test_without_torch_auto_is_the_cpu_and_cuda_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert find_device("auto") == "cpu"
    with pytest.raises(RequestError, match="needs torch, which is not installed"):
        find_device("cuda")
