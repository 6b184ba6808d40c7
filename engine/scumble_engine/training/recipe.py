"""The two sizes of one recipe, as numbers. Everything that differs between them stands here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from scumble_engine.training.concepts import SMALL, Concept
from scumble_engine.training.concepts_base import base_concepts
from scumble_engine.training.sprites import BLACK, PACKS


@dataclass(frozen=True)
class Recipe:
    """What to train: pictures, latents, text, network, optimisation.

    The first easy_images are single objects in the middle; over the next widening_images scenes widen, in the end to the
    share `widest` of what the composer can do (1: all of it; with too little training wide scenes come out smeared).
    noisier: noise steps are drawn as uniform ** noisier; below 1 favours the noisy end, where words decide the shape.
    """

    name: str
    size_px: int
    concepts: tuple[Concept, ...]
    styles: tuple[str, ...]
    latent_channels: int
    channels: tuple[int, ...]
    heads: tuple[int, ...]
    layers_per_block: int
    text_width: int
    text_layers: int
    text_length: int
    vocabulary: int
    batch: int
    learning_rate: float
    images: int
    text_steps: int
    ema: float = 0.995
    warmup_steps: int = 150
    cooldown: float = 0.25
    caption_dropout: float = 0.1
    labels_weight: float = 0.05
    softness: float = 0.35
    noisier: float = 0.75
    easy_images: int = 65_000
    widening_images: int = 45_000
    widest: float = 0.35
    student_images: int = 20_000
    seen_images: int = 72_000
    refine_channels: int = 96
    refiner_images: int = 20_000
    autoencoder_images: int = 0
    fitting_images: int = 1024
    seed: int = 7


SMALL_RECIPE = Recipe(
    name="small",
    size_px=128,
    concepts=SMALL,
    styles=("flat", "3d"),
    latent_channels=16,
    channels=(48, 96, 192),
    heads=(2, 3, 6),
    layers_per_block=1,
    text_width=192,
    text_layers=2,
    text_length=40,
    vocabulary=2048,
    batch=16,
    learning_rate=8e-4,
    images=1_000_000,
    text_steps=400,
)
"""128², for a CPU: 64 concepts in two styles that share their outlines."""


def base_recipe() -> Recipe:
    """Return the numbers of the base size, 256², for a GPU: every object that five or more shippable sets have drawn.

    Fetches the sets and the English names on first use. Raises RuntimeError where they cannot be had.
    """
    left_out = ("classic", "outlined", "soft", *BLACK)
    styles = tuple(style for style, pack in PACKS.items() if pack.shipped and style not in left_out)
    return replace(
        SMALL_RECIPE,
        name="base",
        size_px=256,
        concepts=base_concepts(tuple(PACKS[style] for style in styles), 5),
        styles=styles,
        channels=(96, 192, 352),
        heads=(3, 6, 11),
        text_width=384,
        text_layers=4,
        vocabulary=8192,
        batch=128,
        learning_rate=5e-4,
        images=2_000_000,
        refiner_images=0,
        easy_images=200_000,
        widening_images=400_000,
        widest=1.0,
        text_steps=2000,
        ema=0.9995,
        warmup_steps=500,
        student_images=150_000,
        autoencoder_images=250_000,
    )


RECIPES: dict[str, Callable[[], Recipe]] = {"small": lambda: SMALL_RECIPE, "base": base_recipe}
"""Size -> its recipe; called only when wanted, since the base's concepts must be fetched."""


def smoke(recipe: Recipe) -> Recipe:
    """Return the same chain at toy numbers: some concepts, some steps; about a minute on a laptop."""
    return replace(
        recipe,
        name=f"{recipe.name}-smoke",
        size_px=64,
        concepts=recipe.concepts[:6],
        styles=recipe.styles[:2],
        channels=tuple(32 for _ in recipe.channels),
        heads=tuple(1 for _ in recipe.heads),
        layers_per_block=1,
        text_width=64,
        text_layers=1,
        vocabulary=700,
        batch=4,
        images=24,
        text_steps=4,
        warmup_steps=2,
        student_images=12,
        seen_images=128,
        refine_channels=8,
        refiner_images=8,
        autoencoder_images=min(recipe.autoencoder_images, 8),
        fitting_images=64,
    )
