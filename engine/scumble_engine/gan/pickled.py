"""Reading the tensors of a pickled generator without running anything of it.

A pickle is a program. This reader obeys only what rebuilds tensors and ordered dictionaries; the objects that the official
StyleGAN2 files carry with their source code become stubs that hold their state and can do nothing. Anything else is refused by name.
"""

from __future__ import annotations

import collections
import io
import pickle
from pathlib import Path
from typing import Any, BinaryIO

import torch
from scumble_protocol.errors import RequestError

MAX_BYTES = 4 * 2**30


class Stub:
    """What stands in the place of an object that would bring code: its state, and nothing else."""

    def __init__(self, state: Any = None) -> None:
        self.state = state

    def __setstate__(self, state: Any) -> None:
        self.state = state


def _stub(meta: Any) -> Stub:
    """Stand in for torch_utils.persistence._reconstruct_persistent_obj, which would compile the source in `meta`."""
    if not isinstance(meta, dict):
        raise pickle.UnpicklingError("a persistent object without its description")
    return Stub(meta.get("state"))


def _storage(data: bytes) -> Any:
    """Read a storage that was saved inside a pickle; torch's own reader, with its whitelist on."""
    return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)


def _tensor(storage: Any, offset: int, size: Any, stride: Any, *_ignored: Any) -> torch.Tensor:
    """Stand in for torch._utils._rebuild_tensor_v2, with its bounds checked by torch."""
    whole = torch.empty(0, dtype=storage.dtype).set_(storage._untyped_storage)
    return whole.as_strided(tuple(size), tuple(stride), offset)


def _parameter(data: Any, *_ignored: Any) -> Any:
    return data


def _bytes(text: str, encoding: str) -> bytes:
    """Stand in for _codecs.encode, by which old pickles write bytes; no other codec is asked for."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"bytes in {encoding}")
    return text.encode("latin1")


ALLOWED: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("builtins", "set"): set,
    ("_codecs", "encode"): _bytes,
    ("__builtin__", "set"): set,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_parameter"): _parameter,
    ("torch.storage", "_load_from_bytes"): _storage,
    ("torch_utils.persistence", "_reconstruct_persistent_obj"): _stub,
    ("torch", "Size"): torch.Size,
    ("torch", "device"): torch.device,
}


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if found := ALLOWED.get((module, name)):
            return found
        if module in ("dnnlib.util", "easydict") and name == "EasyDict":
            return dict
        raise RequestError(
            f"The file wants {module}.{name} to run, which a generator does not need; it is refused.", "bad-model"
        )

    def persistent_load(self, pid: Any) -> Any:
        raise RequestError("The file refers to things outside of itself; it is refused.", "bad-model")


def read_pickle(path: Path) -> Any:
    """Read an official .pkl. Raises RequestError for one that is damaged, too large, or wants code to run."""
    if path.stat().st_size > MAX_BYTES:
        raise RequestError(f"{path.name} is larger than any generator ({MAX_BYTES >> 30} GiB).", "bad-model")
    with path.open("rb") as stream:
        return _read(stream, path.name)


def _read(stream: BinaryIO, name: str) -> Any:
    try:
        return _Reader(stream).load()
    except RequestError:
        raise
    except Exception as exc:  # a damaged pickle may fail in any way, but no way of it runs code
        raise RequestError(f"{name} is damaged or no generator's file ({type(exc).__name__}).", "bad-model") from exc


def read_checkpoint(path: Path) -> Any:
    """Read a torch .pt by torch's own whitelist. Raises RequestError for what that refuses."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as exc:
        raise RequestError(
            f"{path.name} holds more than tensors, so it could run code; it is refused.", "bad-model"
        ) from exc
    except Exception as exc:
        raise RequestError(f"{path.name} is damaged or no checkpoint ({type(exc).__name__}).", "bad-model") from exc


def modules_state(root: Any) -> dict[str, torch.Tensor]:
    """Gather a stubbed module's tensors by their dotted names."""
    found: dict[str, torch.Tensor] = {}
    _gather(root, "", found, 0)
    return found


def _gather(node: Any, prefix: str, found: dict[str, torch.Tensor], depth: int) -> None:
    state = getattr(node, "state", None)
    if depth > 16 or not isinstance(state, dict):
        return
    for kind in ("_parameters", "_buffers"):
        for name, value in (state.get(kind) or {}).items():
            if isinstance(value, torch.Tensor):
                found[f"{prefix}{name}"] = value
    for name, child in (state.get("_modules") or {}).items():
        _gather(child, f"{prefix}{name}.", found, depth + 1)
