"""A LoRA file that the painter names with a weight ("FILE:0.8"), judged by its header alone. Putting it on is in diffusion/wearing.py."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from scumble_protocol.errors import RequestError
from scumble_protocol.wording import said

from .loader import check_safetensors
from .single_file import SUFFIX

# A weight outside of this is a slip of the hand: published advice is 0.4 to 1.2, negative ones turn a style around.
HEAVIEST = 4.0


@dataclass(frozen=True)
class LoraFile:
    """`weight` scales what the file adds to the model: 1 is as it was trained."""

    path: Path
    weight: float = 1.0


def lora_from(text: str) -> LoraFile:
    """Read FILE or FILE:WEIGHT and look at the file. Raises RequestError for one that is not there, not safe or no LoRA."""
    lora = _split(text)
    if not lora.path.is_file():
        raise _refusal(said("The LoRA file {path} does not exist.", path=lora.path))
    if lora.path.suffix != SUFFIX:
        raise _refusal(
            said(
                "The LoRA {path} is no .safetensors file; pickled ones can run code, so they are refused.",
                path=lora.path.name,
            )
        )
    if not abs(lora.weight) <= HEAVIEST:
        raise _refusal(
            said(
                "The weight of the LoRA {path} is between -{heaviest} and {heaviest}, not {weight}.",
                path=lora.path.name,
                heaviest=f"{HEAVIEST:g}",
                weight=f"{lora.weight:g}",
            )
        )
    keys = [key.lower() for key in check_safetensors(lora.path) if key != "__metadata__"]
    if any("hada_" in key or "lokr_" in key for key in keys):
        raise _refusal(said("{path} is a LoHa or LoKr, which can't be put on; use a plain LoRA.", path=lora.path.name))
    if not any("lora" in key for key in keys):
        raise _refusal(said("{path} is no LoRA: nothing in it is named so.", path=lora.path.name))
    return lora


def _split(text: str) -> LoraFile:
    """A colon may be a drive's, too: only what stands after the last one and is a number is a weight."""
    head, colon, tail = text.rpartition(":")
    try:
        return LoraFile(Path(head).expanduser(), float(tail)) if colon and head else LoraFile(Path(text).expanduser())
    except ValueError:
        return LoraFile(Path(text).expanduser())


def _refusal(sentence: str) -> RequestError:
    return RequestError(sentence, "bad-lora")
