"""Which device the models run on. Names are checked without torch; whether the device is there only the worker can say."""

from __future__ import annotations

import re
import sys

from scumble_protocol.errors import RequestError
from scumble_protocol.wording import said

_KNOWN = re.compile(r"auto|cpu|mps|cuda(:\d{1,3})?")
CODE = "no-device"


def check_device_name(device: str) -> None:
    """Refuse a device that no machine, or no machine of this kind, has. Raises RequestError; never imports torch."""
    if not _KNOWN.fullmatch(device):
        raise RequestError(
            said("The device {device} is not known; use auto, cpu, cuda, cuda:N or mps.", device=f"{device!r}"), CODE
        )
    if device == "mps" and sys.platform != "darwin":
        raise RequestError("The device mps is only on Macs; use --device auto.", CODE)


def find_device(device: str) -> str:
    """Return the device that is meant, "auto" resolved: "cpu", "cuda:N" or "mps".

    Imports torch unless the answer is plain. Raises RequestError when the device is not there.
    """
    check_device_name(device)
    if device == "cpu":
        return "cpu"
    try:
        import torch
    except ImportError as exc:
        return _without_torch(device, exc)
    cuda_devices = torch.cuda.device_count() if torch.cuda.is_available() else 0
    has_mps = torch.backends.mps.is_available()
    return resolve(device, cuda_devices, has_mps)


def resolve(device: str, cuda_devices: int, has_mps: bool) -> str:
    """Choose among what is there: "auto" takes cuda, then mps, then cpu. Raises RequestError."""
    if device == "auto":
        return "cuda:0" if cuda_devices else "mps" if has_mps else "cpu"
    if device == "mps" and not has_mps:
        raise RequestError("The device mps was asked for, but torch finds none; use --device auto.", CODE)
    if device.startswith("cuda"):
        return _cuda(device, cuda_devices)
    return device


def _cuda(device: str, cuda_devices: int) -> str:
    number = int(device.partition(":")[2] or 0)
    if number < cuda_devices:
        return f"cuda:{number}"
    found = f"{cuda_devices} of them" if cuda_devices else "none"
    raise RequestError(
        said(
            "The device {device} was asked for, but torch finds {found}; use --device auto or cpu.",
            device=device,
            found=found,
        ),
        CODE,
    )


def _without_torch(device: str, missing: ImportError) -> str:
    if device == "auto":
        return "cpu"
    raise RequestError(
        said(
            "The device {device} needs torch, which is not installed; install scumble with its engine extra.",
            device=device,
        ),
        CODE,
    ) from missing
