"""What each edit asks of a model of real size: forwards, floating-point operations, peak bytes, beside the reference implementations.

Nothing is computed and no weights are needed (counted.py): the published configs of SD 1.5 at 512² and SDXL at 1024², in half precision.
The rows of the reference implementations are their own numbers of forwards, read in their code, at the same costs of a forward.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
import torch
from scumble_protocol.geometry import Point
from scumble_protocol.messages import AddStrokes, ColorStrokes, Cue, Edit, Grab, Handle, PromptPair, Settings
from scumble_protocol.pixels import Picture

from ..diffusion.kept import Kept
from ..edits import choose
from ..imaging.arrays import Bytes, plane_of
from ..models.shelf import Shelf
from .costs import META, cost_of
from .counted import CountedModel, Ledger, counted_model

FAMILIES = {"SD 1.5": ("sd1", 512), "SDXL": ("sdxl", 1024)}
RECOLOR = PromptPair("a red apple on grass", "a green apple on grass", ("apple",), (), "recolor")
REPLACE = PromptPair("a red apple on grass", "a yellow pear on grass", ("pear",), (), "replace")
DRAWN = PromptPair("", "a red apple", (), (), "add")
TERA, GIB = 10**12, 2**30


@dataclass(frozen=True)
class Row:
    """One edit: `forwards` of the network in pictures, `partial` ones that stop at a block, `backwards`, and passes through the
    autoencoder; `tflop`; `peak_gib` of weights, kept answers and the largest call together (None: not counted)."""

    model: str
    edit: str
    forwards: int
    partial: int
    encodes: int
    decodes: int
    backwards: int
    tflop: float
    peak_gib: float | None


def run(json_path: Path | None, families: tuple[str, ...] = ()) -> list[Row]:
    """Count, print a table and write it as JSON where wanted."""
    rows = [row for name in families or tuple(FAMILIES) for row in rows_of(name)]
    click.echo(
        f"{'model':8}{'edit':44}{'forwards':>9}{'partial':>8}{'enc':>5}{'dec':>5}{'back':>6}{'TFLOP':>9}{'GiB':>7}"
    )
    for row in rows:
        peak = "" if row.peak_gib is None else f"{row.peak_gib:.2f}"
        counts = f"{row.forwards:>9}{row.partial:>8}{row.encodes:>5}{row.decodes:>5}{row.backwards:>6}"
        click.echo(f"{row.model:8}{row.edit:44}{counts}{row.tflop:>9.1f}{peak:>7}")
    if json_path is not None:
        json_path.write_text(json.dumps([asdict(row) for row in rows], indent=1))
    return rows


def rows_of(name: str) -> list[Row]:
    """Count all edits with one family's model, and the reference implementations on it."""
    family, side = FAMILIES[name]
    model = counted_model(family)
    ours = [replace(row, model=name) for row in our_rows(model, side)]
    return [*ours, *(replace(row, model=name) for row in reference_rows(model, side))]


def our_rows(model: CountedModel, side: int, only: tuple[str, ...] = ("words", "drag", "brush")) -> list[Row]:
    """Do each edit on a picture of `side` pixels, with nothing kept of the others; the drags and words twice."""
    pull = (Handle(Point(0.5 * side, 0.5 * side), Point(0.6 * side, 0.4 * side)), Grab(_disc(side, 0.2)))
    again = (Handle(Point(0.5 * side, 0.5 * side), Point(0.4 * side, 0.5 * side)), Grab(_disc(side, 0.2)))
    add = AddStrokes(plane_of(cv2.subtract(_disc_of(side, 0.12), _disc_of(side, 0.11))[..., None], "u8"))
    colored = ColorStrokes(
        plane_of(np.dstack([np.full((side, side, 3), (200, 30, 30), np.uint8), _disc_of(side, 0.05)]), "u8")
    )
    asked: list[tuple[str, tuple[Cue, ...], bool]] = [
        ("words, recolour", (RECOLOR,), True),
        ("words, the same picture again", (replace(RECOLOR, target="a blue apple on grass"),), False),
        ("words, replace", (REPLACE,), True),
        ("drag on latents", pull, True),
        ("drag, the same picture again", again, False),
        ("brush, lines and colours", (add, colored, DRAWN), True),
        ("brush, lines", (add, DRAWN), True),
    ]
    return [counted(model, side, what, cues, fresh) for what, cues, fresh in asked if what.startswith(only)]


def counted(model: CountedModel, side: int, what: str, cues: tuple[Cue, ...], fresh: bool = True) -> Row:
    """Do one final edit and say what it cost."""
    if fresh:
        model.memories.clear()
        model.on_meta.prompts.known.clear()
    model.ledger.clear()
    shelf = Shelf()
    shelf.__dict__["diffusion"] = model  # where its cached property keeps what it has loaded
    for _ in choose.perform(Edit(Picture(plane_of(scene(side), "u8")), cues, Settings("latent")), shelf, "final"):
        pass
    held = sum(memory.nbytes for memory in model.memories.values() if isinstance(memory, Kept))
    peak = (model.weights_bytes + held + model.ledger.peak) / GIB
    return row_of(what, model.ledger, peak)


def row_of(what: str, ledger: Ledger, peak_gib: float | None) -> Row:
    """Sum up a ledger."""
    calls = ledger.calls
    back = calls["part and back"] + calls["decode and back"] + calls["backward"]
    return Row(
        "",
        what,
        calls["forward"],
        calls["part"] + calls["part and back"],
        calls["encode"],
        calls["decode"] + calls["decode and back"],
        back,
        ledger.flops / TERA,
        peak_gib,
    )


def reference_rows(model: CountedModel, side: int) -> list[Row]:
    """What the reference implementations ask for, by their own counts, in costs of one forward.

    InfEdit (12 steps): source, target and layout, each with its unconditional branch: 72. DragDiffusion: a LoRA of 80 steps at
    batch 4, each of which encodes the picture four times (backward: one forward's worth); 35 steps of inversion, 80 of Adam through
    the whole network, whose weights want gradients, too (two forwards' worth), 35 steps of two. MagicQuill: 20 steps with guidance
    through UNet, BrushNet (a UNet without attention, nine channels) and two ControlNets, on 512² whatever the picture's size.
    """
    unit = unit_costs(model, side)
    forward, encode, decode = unit["forward"], unit["encode"], unit["decode"]
    rows = [
        _reference("InfEdit, official, 12 steps", forward, 72, 0, (1, 1), 72 * forward + encode + decode),
        _reference(
            "DragDiffusion, official, with LoRA",
            forward,
            505,
            400,
            (321, 1),
            505 * forward + (320 + 2 * 80) * forward + 321 * encode + decode,
        ),
    ]
    if "brushnet" in unit:
        steps = 2 * 20 * (forward + unit["brushnet"] + 2 * unit["controlnet"])
        rows.append(_reference("MagicQuill, official, 20 steps", forward, 40, 0, (2, 1), steps + 2 * encode + decode))
    return rows


def _reference(what: str, forward: int, forwards: int, backwards: int, coded: tuple[int, int], flops: int) -> Row:
    return Row("", what, forwards, 0, *coded, backwards, flops / TERA, None)


def unit_costs(model: CountedModel, side: int) -> Mapping[str, int]:
    """Return the operations of one forward, encoding and decoding of a picture, and of the brush's other networks for SD 1.5."""
    meta, latent = model.on_meta, side // model.stride
    z, pixels = torch.zeros(1, 4, latent, latent, device=META), torch.zeros(1, 3, side, side, device=META)
    word = [meta.words("")]
    with torch.no_grad():
        found = {
            "forward": cost_of(lambda: meta.predict(z, 500, word))[1].flops,
            "encode": cost_of(lambda: meta._encoded(pixels))[1].flops,
            "decode": cost_of(lambda: meta._decoded(z))[1].flops,
        }
        if meta.unet.config.addition_embed_type is None:
            found |= _brush_costs(meta.unet.config, z, word[0].embeds, side)
    return found


def _brush_costs(config: Mapping[str, Any], z: torch.Tensor, embeds: torch.Tensor, side: int) -> dict[str, int]:
    from diffusers import ControlNetModel, UNet2DConditionModel

    plain = {
        "down_block_types": ["DownBlock2D"] * 4,
        "up_block_types": ["UpBlock2D"] * 4,
        "mid_block_type": "UNetMidBlock2D",
    }
    shared = {
        key: config[key]
        for key in ("block_out_channels", "cross_attention_dim", "attention_head_dim", "down_block_types")
    }
    with META:
        brushnet = UNet2DConditionModel.from_config({**config, **plain, "in_channels": 9})
        controlnet = ControlNetModel(**shared)
    masked, shown = torch.zeros(1, 9, *z.shape[-2:], device=META), torch.zeros(1, 3, side, side, device=META)
    words = embeds.float()
    return {
        "brushnet": cost_of(lambda: brushnet(masked, 500, words))[1].flops,
        "controlnet": cost_of(lambda: controlnet(z, 500, words, shown))[1].flops,
    }


def scene(side: int) -> Bytes:
    """Return a picture (side, side, 3): a red disc on a ground that is not plain."""
    ramp = np.linspace(60, 120, side, dtype=np.float32)
    ground = np.dstack(
        [ramp[None] * np.ones((side, 1)), ramp[:, None] + 60 * np.ones((1, side)), np.full((side, side), 70.0)]
    )
    ground += np.random.default_rng(0).normal(0, 12, ground.shape)
    disc = _disc_of(side, 0.18)[..., None] > 0
    return np.where(disc, np.array([190, 40, 40]), ground).clip(0, 255).astype(np.uint8)


def _disc_of(side: int, radius: float) -> Bytes:
    mask = np.zeros((side, side), np.uint8)
    return np.asarray(cv2.circle(mask, (side // 2, side // 2), round(radius * side), 255, -1), dtype=np.uint8)


def _disc(side: int, radius: float) -> Any:
    return plane_of(_disc_of(side, radius)[..., None], "u8")
