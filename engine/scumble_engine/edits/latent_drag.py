"""Drag on latents: the warp (T0) says what goes where, a diffusion model paints what it uncovers and the seams (T1), and
where the handles' features have not arrived, the noisy latents are refined until they have (T2)."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from scumble_protocol.geometry import Bounds
from scumble_protocol.messages import Edit, Handle, Purpose
from torch import Tensor

from ..diffusion.attention import Reads
from ..diffusion.inversion import Inversion, inverted, walk_down
from ..diffusion.lora import STEPS as LORA_STEPS
from ..diffusion.lora import State, adapted, train_lora
from ..diffusion.model import DiffusionModel
from ..diffusion.refine import RefinePlan, refine
from ..diffusion.trace import step_noise
from ..diffusion.words import Conditioning
from ..imaging.arrays import Bools, Floats, Ints
from ..imaging.mask import cut
from ..imaging.warp import Motion, landing, motion_of, warp_fast
from ..models.shelf import Shelf
from .drag import check_handles, compose, drag
from .hold import Held, cut_out, key_of, recent
from .made import made_by
from .model_window import ModelWindow, Under, open_window
from .painting import decoded
from .scene import Scene, of_kind, open_scene, sketch
from .work import Layer, Sketch, Step, Work

# How far up the noise goes: enough to invent a background, too little to forget the picture.
TOP = 400
STEPS = 6
# In cells of the features: the warp is exact, so only what is farther off than a cell has not arrived.
ARRIVED = 1.0
CUT_NOTE = (
    "It is not clear what handle {number} holds, so what seemed to lie under it was cut out; "
    "select the thing to move it as a whole."
)
# The share of self-attention layers that stay the model's own; the others read the picture's keys (DragDiffusion: 10 of 16).
OWN_LAYERS = 0.625


@dataclass(frozen=True)
class Moved:
    """A drag's warp on the window: `under` with the things moved, and on the latents' grid (1, 1, h, w): `change` where anything
    differs, `inside` safely within a moved thing, `uncovered`; `origin` (h, w) the flat index each latent's noise comes from."""

    under: Under
    change: Tensor
    inside: Tensor
    uncovered: Tensor
    origin: Tensor


def latent_drag(edit: Edit, shelf: Shelf, purpose: Purpose) -> Work:
    """Move what the handles hold and let the model paint what that uncovers; a preview is the warp's. Raises RequestError as it does."""
    if purpose == "preview":
        return (yield from drag(edit, shelf, purpose))
    started = time.perf_counter()
    scene = open_scene(edit)
    yield Step(0, 1, "finding")
    model = shelf.diffusion
    model.meter.reset()
    done = yield from dragged(edit, scene, shelf, model, model.words(""))
    bounds, plane = done.window.layer(done.painted, done.warped, False, done.moved.under)
    return Layer(bounds, plane, made_by("latent", model, edit, edit.settings.steps or STEPS, started), done.notes)


@dataclass(frozen=True)
class Dragged:
    """A finished drag on its window: two decoded pictures (1, 3, h, w), the warp alone and with what was painted."""

    window: ModelWindow
    moved: Moved
    warped: Tensor
    painted: Tensor
    notes: tuple[str, ...]


def dragged(
    edit: Edit, scene: Scene, shelf: Shelf, model: DiffusionModel, words: Conditioning
) -> Generator[Step | Sketch, None, Dragged]:
    """Do the drag, with the warp as its preview."""
    handles = of_kind(edit, Handle)
    check_handles(handles)
    held = recent(shelf).get(key_of(edit), lambda: cut_out(edit, scene))
    motions = [motion_of([(handles[n].start, handles[n].end) for n in body.handles]) for body in held.bodies]
    place, plane = compose(scene, held, motions, held.hint)
    yield sketch(scene, place, plane)
    window = open_window(scene, model, place)
    moved = on_latents(window, held, motions, window.under(plane, place), model.stride)
    x0, warped = model.encode(window.pixels()), model.encode(window.pixels(moved.under.srgb))
    adapter = None
    if edit.settings.fidelity == "lora":
        adapter = yield from _adapter(model, x0, words, edit.settings.seed)
    with adapted(model, adapter):
        painted = yield from _painted(edit, model, words, window, moved, handles, (x0, warped))
    return Dragged(
        window, moved, decoded(model, warped), decoded(model, painted), (*held.doubted(CUT_NOTE), *held.notes)
    )


def _adapter(model: DiffusionModel, x0: Tensor, words: Conditioning, seed: int) -> Generator[Step, None, State | None]:
    state: State | None = None
    for step, found in train_lora(model, x0, words, seed):
        state = found
        yield Step(step, LORA_STEPS, "studying")
    return state


def _painted(
    edit: Edit,
    model: DiffusionModel,
    words: Conditioning,
    window: ModelWindow,
    moved: Moved,
    handles: list[Handle],
    pictures: tuple[Tensor, Tensor],
) -> Generator[Step, None, Tensor]:
    """Run T1, and T2 where it is needed; return clean latents. `pictures`: the picture's latents and the warp's."""
    x0, warped = pictures
    steps = edit.settings.steps or STEPS
    of = 2 * steps + 1
    inversion: Inversion | None = None
    first = round(OWN_LAYERS * sum(one.kind == "self" for one in model.places()))
    worn = f"{edit.settings.fidelity} {edit.settings.seed}" if edit.settings.fidelity == "lora" else ""
    for number, found in inverted(model, x0, words, steps, TOP, Reads("kv", "", first), worn):
        inversion = found
        yield Step(number, of, "studying")
    assert inversion is not None
    noise = gathered(inversion.noise(model), moved, edit.settings.seed)
    path = tuple(
        torch.where(moved.inside > 0, model.schedule.noised(warped, noise, t) if t else warped, z)
        for t, z in zip(inversion.timesteps, inversion.latents, strict=True)
    )
    z = model.schedule.noised(warped, noise, TOP)
    z, refined = yield from _refined(model, words, window, inversion, z, handles, moved, of)
    fixed = 1 - moved.change if refined else ((moved.change == 0) | (moved.inside > 0)).float()
    clean = warped
    for number, latents in walk_down(model, z, words, inversion, first, fixed, path):
        clean = latents
        yield Step(steps + 1 + number, of, "painting")
    return clean


def _refined(
    model: DiffusionModel,
    words: Conditioning,
    window: ModelWindow,
    inversion: Inversion,
    z: Tensor,
    handles: list[Handle],
    moved: Moved,
    of: int,
) -> Generator[Step, None, tuple[Tensor, bool]]:
    """Refine the noisy latents until the handles' features have arrived; tell whether that took any step."""
    plan = RefinePlan(arrived=ARRIVED)
    cells = [
        torch.tensor([[(p.x - window.bounds.x), (p.y - window.bounds.y)] for p in points], dtype=torch.float32)
        * torch.tensor([window.size[0] / window.bounds.width, window.size[1] / window.bounds.height])
        / plan.point.stride
        for points in ([one.start for one in handles], [one.end for one in handles])
    ]
    starts, ends = (one.to(z.device) for one in cells)
    best = z
    for state in refine(model, inversion.top, z, TOP, words, (starts, ends), moved.change, plan):
        best = state.latents
        yield Step(len(inversion.timesteps), of, "moving")
    return best, not torch.equal(best, z)


def gathered(noise: Tensor, moved: Moved, seed: int) -> Tensor:
    """Carry each latent's noise along with what it belongs to (whole cells: averaging would thin it); holes get fresh noise."""
    carried = noise.flatten(2)[..., moved.origin.flatten()].view_as(noise)
    return torch.where(moved.uncovered > 0, step_noise(noise, seed, 0), carried)


def on_latents(window: ModelWindow, held: Held, motions: list[Motion], under: Under, stride: int) -> Moved:
    """Say for each latent of the window what the warp does to it."""
    size = (window.bounds.height, window.bounds.width)
    inside, hole = np.zeros(size, np.float32), _on(window, held.hole, held.bounds)
    covered = np.zeros(size, bool)
    width, height = window.size[0] // stride, window.size[1] // stride
    origin = np.arange(width * height).reshape(height, width)
    for body, motion in zip(held.bodies, motions, strict=True):
        alpha = _on(window, *_landed(body.lifted, body.bounds, motion, window.scene.whole))
        inside = np.maximum(inside, alpha)
        covered |= alpha > 0.5
        origin = _carried_origin(window, motion, alpha > 0.5, origin)
    change = window.to_latents((under.alpha > 0).astype(np.float32), stride)
    uncovered = window.to_latents(((hole > 0.5) & ~covered).astype(np.float32), stride)
    safe = 1 - window.to_latents(1 - inside, stride)
    return Moved(under, change, (safe > 0.95).float(), (uncovered > 0.5).float(), torch.from_numpy(origin))


def _landed(lifted: Floats, source: Bounds, motion: Motion, whole: Bounds) -> tuple[Floats, Bounds]:
    target = landing(motion, source, whole)
    if target.empty:
        return np.zeros((0, 0), np.float32), target
    return warp_fast(lifted, source, motion, target)[..., 3], target


def _on(window: ModelWindow, alpha: Floats, place: Bounds) -> Floats:
    """Put an alpha that covers `place` on the window's own grid."""
    out = np.zeros((window.bounds.height, window.bounds.width), np.float32)
    common = place.intersected(window.bounds)
    if not common.empty:
        here = common.moved(-window.bounds.x, -window.bounds.y)
        cut(out, here)[...] = cut(alpha, common.moved(-place.x, -place.y))
    return out


def _carried_origin(window: ModelWindow, motion: Motion, covered: Bools, origin: Ints) -> Ints:
    """Where a moved thing covers a latent's centre, its noise comes from the latent that held that part before."""
    height, width = origin.shape
    own = np.array([window.bounds.width / width, window.bounds.height / height])
    centres = (np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1) + 0.5) * own
    corner = np.array([window.bounds.x, window.bounds.y])
    before = motion.backward(centres + corner) - corner
    cell = np.clip(np.floor(before / own).astype(int), 0, (width - 1, height - 1))
    here = cv2.resize(covered.astype(np.uint8), (width, height), interpolation=cv2.INTER_AREA) > 0
    return np.where(here, cell[..., 1] * width + cell[..., 0], origin)
