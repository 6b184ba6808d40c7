"""A transformers model that the painter names: found, checked, loaded when first asked, let go of when told.

What the models are asked is in reader.py and namer.py. Nothing is ever fetched here: `scumble models pull` does that.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from scumble_protocol.errors import EngineError, RequestError
from scumble_protocol.wording import said

from ..models.hub import folder_here
from ..models.libraries import first_line, quiet
from ..models.loader import check_language_folder, parameter_count
from ..models.memory import HEADROOM_BYTES
from ..models.registry import models_dir

Task = Literal["reader", "guesser"]


@dataclass(frozen=True)
class Loaded:
    """Frozen weights on their device, and what turns words and pictures into their numbers (a tokenizer or a processor)."""

    model: Any
    processor: Any


class OwnModel:
    """One model folder or hub id for one task. `make_room` is called when memory is short, before giving up."""

    def __init__(
        self, task: Task, name: str, device: str = "auto", make_room: Callable[[], None] | None = None
    ) -> None:
        self.task, self.name = task, name
        self._device, self._make_room = device, make_room
        self._loaded: Loaded | None = None

    @property
    def label(self) -> str:
        """Its hub id, or its folder's own name."""
        return Path(self.name).name if Path(self.name).expanduser().is_dir() else self.name

    @property
    def in_memory(self) -> bool:
        return self._loaded is not None

    def folder(self) -> Path:
        """Return its checked folder. Raises RequestError when it is not on this machine, not whole or not safe."""
        folder = find_folder(self.task, self.name)
        check_language_folder(folder)
        return folder

    def get(self) -> Loaded:
        """Return the model, loaded once. Raises RequestError for a folder that can't be used, EngineError where it does not fit."""
        if self._loaded is None:
            self._loaded = self._load(self.folder())
        return self._loaded

    def unload(self) -> None:
        """Let go of the weights; the next `get` loads them again."""
        self._loaded = None
        gc.collect()
        import torch

        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _load(self, folder: Path) -> Loaded:
        device, dtype = self._place(folder)
        options = {"use_safetensors": True, "local_files_only": True, "trust_remote_code": False, "dtype": dtype}
        try:
            with quiet():
                model_class, processor_class = _classes(self.task)
                processor = processor_class.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
                model = model_class.from_pretrained(folder, **options).to(device).eval().requires_grad_(False)
        except (OSError, ValueError, KeyError, RuntimeError, AttributeError, ImportError, TypeError) as exc:
            raise RequestError(
                said(
                    "The {task} {folder_name} could not be loaded: {reason}",
                    task=self.task,
                    folder_name=folder.name,
                    reason=first_line(exc),
                ),
                "bad-model",
            ) from exc
        return Loaded(model, processor)

    def _place(self, folder: Path) -> tuple[Any, Any]:
        """Choose the device and dtype that it fits on: its own, else main memory. Raises EngineError where it fits nowhere."""
        import torch

        from ..device import find_device
        from ..diffusion.devices import free_bytes, pick_dtype

        count = parameter_count(check_language_folder(folder))
        places = dict.fromkeys((torch.device(find_device(self._device)), torch.device("cpu")))
        for tidy in (None, self._make_room):
            if tidy is not None:
                tidy()
            for device in places:
                dtype = pick_dtype(device)
                if count * dtype.itemsize + HEADROOM_BYTES <= free_bytes(device):
                    return device, dtype
        need = count * torch.float32.itemsize / 2**30
        raise EngineError(
            said(
                "The {task} {folder_name} needs {need} GiB of memory, which are not free; name a smaller model.",
                task=self.task,
                folder_name=folder.name,
                need=f"{need:.1f}",
            ),
            "engine-out-of-memory",
        )


def find_folder(task: Task, name: str) -> Path:
    """Return a folder as it is named, or the folder of a hub id that was pulled. Raises RequestError; asks no network."""
    given = Path(name).expanduser()
    if given.is_dir():
        return given
    if name.count("/") != 1 or name.startswith(("/", ".", "~")):
        raise RequestError(
            said("The {task} {name} is neither a folder nor a hub id (owner/name).", task=task, name=f"{name!r}"),
            "unknown-model",
        )
    here = folder_here(name, models_dir())
    if here is None:
        raise RequestError(
            said(
                "The {task} {name} is not on this machine; fetch it with: scumble models pull {name}.",
                task=task,
                name=name,
            ),
            "unknown-model",
        )
    return here


def _classes(task: Task) -> tuple[Any, Any]:
    import transformers

    if task == "reader":
        return transformers.AutoModelForCausalLM, transformers.AutoTokenizer
    return transformers.AutoModelForImageTextToText, transformers.AutoProcessor
