"""Files with bytes changed at random are read or refused; nothing else ever comes out of the readers."""

from __future__ import annotations

import logging
import random
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tifffile
from engine.headless.pictures import SRGB_PROFILE, noise, plan_for, save, soft_patch
from PIL import Image
from scumble_engine.headless.host import FileHost
from scumble_engine.headless.sources import LayeredSource, open_source
from scumble_protocol.errors import RequestError

ROUNDS = 150
SEED = 20_261_122


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """One small file of each kind."""
    folder, samples = tmp_path_factory.mktemp("whole"), noise(20, 30)
    save(folder / "rgb.png", samples, SRGB_PROFILE)
    save(folder / "deep.png", noise(20, 30, 4, np.uint16))
    Image.fromarray(samples).quantize(8).save(folder / "palette.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(samples).save(folder / "a.jpg", exif=exif, icc_profile=SRGB_PROFILE)
    Image.fromarray(samples).save(folder / "a.webp")
    tifffile.imwrite(folder / "a.tif", samples, photometric="rgb", compression="zlib", predictor=True, metadata=None)
    tifffile.imwrite(folder / "tiled.tif", samples, photometric="rgb", tile=(16, 16), metadata=None)
    FileHost(open_source(folder / "rgb.png"), folder / "a.ora").place(plan_for(soft_patch(9, 9), 3, 3, SRGB_PROFILE))
    return {path.name: path.read_bytes() for path in folder.iterdir()}


NAMES = ["rgb.png", "deep.png", "palette.png", "a.jpg", "a.webp", "a.tif", "tiled.tif", "a.ora"]


def damaged(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randint(1, 12)):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed[: chance.randint(len(changed) // 2, len(changed))] if chance.random() < 0.3 else changed)


def read(path: Path) -> str:
    """Read a file as an edit would; return the refusal's sentence, or "" when there was none."""
    try:
        source = open_source(path)
        source.picture(source.bounds)
    except RequestError as error:
        return error.sentence
    return ""


@pytest.mark.parametrize("name", NAMES)
def test_damage_is_refused_in_a_sentence_or_does_no_harm(whole: dict[str, bytes], name: str, tmp_path: Path) -> None:
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    chance, path = random.Random(f"{SEED} {name}"), tmp_path / name
    refusals = 0
    for _ in range(ROUNDS):
        path.write_bytes(damaged(whole[name], chance))
        sentence = read(path)
        assert "\n" not in sentence
        refusals += bool(sentence)
    assert refusals > ROUNDS // 10


def test_damaged_layers_and_stacks_inside_a_whole_archive(whole: dict[str, bytes], tmp_path: Path) -> None:
    original, path = tmp_path / "whole.ora", tmp_path / "a.ora"
    original.write_bytes(whole["a.ora"])
    with zipfile.ZipFile(original) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    chance, refusals = random.Random(SEED), 0
    for _ in range(ROUNDS):
        victim = chance.choice(["stack.xml", "data/layer0.png", "data/layer1.png", "mimetype"])
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, damaged(content, chance) if name == victim else content)
        refusals += bool(read(path))
        try:
            LayeredSource(path, "Erase").recipe()
        except RequestError:
            continue
    assert refusals > ROUNDS // 4
