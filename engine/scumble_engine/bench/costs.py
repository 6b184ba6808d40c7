"""What a computation on meta tensors would cost: floating-point operations, and the most bytes that live at once. Nothing is computed."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

META = torch.device("meta")
Value = TypeVar("Value")


@dataclass(frozen=True)
class Cost:
    """`flops` (a multiplication and an addition are two), and `peak` bytes of what a call makes, its results among it."""

    flops: int
    peak: int


def cost_of(call: Callable[[], Value]) -> tuple[Value, Cost]:
    """Run a call on meta tensors; return what it gives and what it would cost.

    Gradients are counted where the call takes them with `backward()`.
    """
    live = _LiveBytes()
    with FlopCounterMode(display=False) as flops, live, _FusedAttention():
        value = call()
    return value, Cost(int(flops.get_total_flops()), live.peak)


class _LiveBytes(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Follow the storages that operations make until they are freed."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = self.peak = 0
        self._known: dict[int, weakref.ref[Any]] = {}

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        answer = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(answer):
            if isinstance(leaf, Tensor):
                self._follow(leaf.untyped_storage())
        return answer

    def _follow(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key in self._known:
            return

        def gone(_: weakref.ref[Any]) -> None:
            self.now -= size
            self._known.pop(key, None)

        self._known[key] = weakref.ref(storage, gone)
        self.now += size
        self.peak = max(self.peak, self.now)


class _FusedAttention(TorchFunctionMode):
    """Attend as accelerators do, which never build the probabilities; on meta tensors PyTorch would take the way that does."""

    def __torch_function__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        given = dict(kwargs or {})
        if func is F.scaled_dot_product_attention and given.get("attn_mask") is None and len(args) == 3:
            return torch.ops.aten._scaled_dot_product_flash_attention(*args)[0]
        return func(*args, **given)
