"""Loading ControlNets and T2I-Adapters as they are published, weight for weight, or refusing them in words."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from control_networks import adapter, control_net, file_of, folder_of, weights_equal
from published_models import published_folder
from safetensors.torch import save_file
from scumble_engine.diffusion import devices
from scumble_engine.diffusion.capabilities import Condition
from scumble_engine.diffusion.controls import load_controls
from scumble_engine.diffusion.model import DiffusionModel, load_model
from scumble_engine.models.control_file import control_from
from scumble_protocol.errors import EngineError, RequestError
from tiny_models import tiny_folder

Make = Callable[[Any, Path], Path]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], DiffusionModel]:
    folder = tmp_path_factory.mktemp("published")
    return cache(lambda name: load_model(str(published_folder(folder / name, name, ("",))), "cpu"))


@pytest.fixture(params=["sd15", "sdxl"])
def published(request: pytest.FixtureRequest, loaded: Callable[[str], DiffusionModel]) -> DiffusionModel:
    return loaded(request.param)


LAYOUTS: dict[str, tuple[Callable[[Any], Any], Make]] = {
    "controlnet folder": (control_net, lambda net, to: folder_of(net, to / "control_v11p_sd15_scribble")),
    "controlnet half folder": (
        lambda unet: control_net(unet).half().float(),
        lambda net, to: folder_of(net.half(), to / "control_v11p_sd15_scribble", "fp16"),
    ),
    "controlnet file": (
        control_net,
        lambda net, to: file_of(net, to / "control_v11p_sd15_scribble.safetensors"),
    ),
    "controlnet diffusers file": (
        control_net,
        lambda net, to: file_of(net, to / "controlnet-scribble-sdxl-1.0.safetensors", original=False),
    ),
    "adapter folder": (adapter, lambda net, to: folder_of(net, to / "t2iadapter_scribble_sd15v2")),
    "adapter file": (adapter, lambda net, to: file_of(net, to / "t2iadapter_scribble_sd15v2.safetensors")),
    "gray adapter file": (
        lambda unet: adapter(unet, in_channels=1),
        lambda net, to: file_of(net, to / "scribble.safetensors"),
    ),
    "adapter diffusers file": (
        adapter,
        lambda net, to: file_of(net, to / "scribble.safetensors", original=False),
    ),
    "light adapter file": (
        lambda unet: adapter(unet, light=True),
        lambda net, to: file_of(net, to / "scribble.safetensors"),
    ),
}


# SDXL has no light adapters, and its ControlNets are published under diffusers' keys only.
SD1_ALONE = {"light adapter file", "controlnet file"}


@pytest.mark.parametrize(
    ("published", "layout"),
    [(name, layout) for name in ("sd15", "sdxl") for layout in LAYOUTS if name == "sd15" or layout not in SD1_ALONE],
    indirect=["published"],
)
def test_every_layout_loads_weight_for_weight_and_has_its_say(
    published: DiffusionModel, layout: str, tmp_path: Path
) -> None:
    make, save = LAYOUTS[layout]
    net = make(published.unet)
    file = control_from(str(save(net, tmp_path)))
    assert file.kind == "scribble"
    assert file.numbers == sum(weight.numel() for weight in net.parameters())
    loaded = load_controls([file], published.unet, torch.float32)
    assert weights_equal(loaded["scribble"], net.float())
    before = answer(published)
    published.controls.update(loaded)
    try:
        shown = answer(published, Condition("scribble", torch.rand(1, 3, 64, 64)))
    finally:
        published.controls.clear()
    assert not torch.equal(shown, before)
    assert torch.equal(answer(published), before)


def answer(model: DiffusionModel, *conditions: Condition) -> torch.Tensor:
    z = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return model.predict(z, 500, [model.words("a cat")] * 2, conditions=conditions).x0


def test_controlnets_and_adapters_act_together(published: DiffusionModel) -> None:
    unet = published.unet
    published.controls.update(scribble=control_net(unet), tile=control_net(unet, 1), color=adapter(unet, seed=2))
    maps = {kind: torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(7)) for kind in published.controls}
    try:
        answers = [
            answer(published, *(Condition(kind, maps[kind], scale) for kind in kinds))
            for kinds, scale in (((), 1.0), (("color",), 1.0), (("scribble", "color"), 1.0), (tuple(maps), 1.0))
        ]
        silent = answer(published, *(Condition(kind, maps[kind], 0.0) for kind in maps))
        late = answer(published, Condition("color", maps["color"], start=0.6))
    finally:
        published.controls.clear()
    assert all(float((one - two).abs().max()) > 1e-4 for one, two in pairwise(answers))
    assert torch.allclose(silent, answers[0], atol=1e-5)
    assert torch.equal(late, answers[0])


def test_a_network_of_another_family_is_refused_in_words(published: DiffusionModel, tmp_path: Path) -> None:
    other = load_model(str(tiny_folder(tmp_path / "other")), "cpu").unet
    for number, (net, save) in enumerate(
        (
            (control_net(other), folder_of),
            (control_net(other), file_of),
            (adapter(other), folder_of),
            (adapter(other), file_of),
        )
    ):
        path = save(net, tmp_path / f"scribble{number}{'' if save is folder_of else '.safetensors'}")
        with pytest.raises(RequestError, match=r"does not fit this model; it was made for another family"):
            load_controls([control_from(str(path))], published.unet, torch.float32)


def test_weights_that_a_network_lacks_are_said(published: DiffusionModel, tmp_path: Path) -> None:
    folder = folder_of(control_net(published.unet), tmp_path / "scribble")
    file = folder / "diffusion_pytorch_model.safetensors"
    net = control_net(published.unet).state_dict()
    save_file({key: weight for key, weight in net.items() if "mid_block.res" not in key}, file, {"format": "pt"})
    with pytest.raises(RequestError, match="lacks weights; fetch it again"):
        load_controls([control_from(str(folder))], published.unet, torch.float32)


NOT_CONTROLS: dict[str, tuple[Callable[[Path], object], str]] = {
    "gone": (lambda path: None, "does not exist"),
    "old.pth": (lambda path: path.write_bytes(b"\x80"), "pickled ones can run code"),
    "scribble-lora.safetensors": (
        lambda path: save_file({"lora_controlnet": torch.ones(1), "control_model.x": torch.ones(1)}, path),
        "is a control LoRA",
    ),
    "brushnet.safetensors": (
        lambda path: save_file({"brushnet_mid_block.weight": torch.ones(1)}, path),
        "is a BrushNet.*use a ControlNet inpaint or an inpainting model",
    ),
    "scribble-picture.safetensors": (lambda path: save_file({"a": torch.ones(1)}, path), "is no ControlNet and no T2I"),
    "depth.safetensors": (
        lambda path: save_file({"controlnet_mid_block.weight": torch.ones(1)}, path),
        "does not say what it is shown; name it, as in --control scribble=",
    ),
    "unet": (lambda path: _folder(path, "UNet2DConditionModel"), "is of the class UNet2DConditionModel"),
    "scribble-pickled": (lambda path: _folder(path, "ControlNetModel", "diffusion_pytorch_model.bin"), "pickled ones"),
    "scribble-empty": (lambda path: _folder(path, "ControlNetModel"), "no weights in the safetensors format"),
    "nothing": (lambda path: path.mkdir(), "it has no config.json"),
}


def _folder(path: Path, network: str, file: str = "") -> None:
    path.mkdir()
    (path / "config.json").write_text(json.dumps({"_class_name": network}))
    if file:
        (path / file).write_bytes(b"\x80")


@pytest.mark.parametrize("name", NOT_CONTROLS)
def test_what_is_no_control_network_is_refused_in_words(name: str, tmp_path: Path) -> None:
    make, words = NOT_CONTROLS[name]
    make(tmp_path / name)
    with pytest.raises(RequestError, match=words):
        control_from(str(tmp_path / name))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("control_v11p_sd15s2_lineart_anime", "lineart"),
        ("control_v11f1e_sd15_tile", "tile"),
        ("sd-controlnet-hed", "softedge"),
        ("t2i-adapter-sketch-sdxl-1.0", "sketch"),
        ("t2iadapter_color_sd14v1", "color"),
        ("lineart=control_v11p_sd15_scribble", "lineart"),
    ],
)
def test_its_kind_is_in_its_name_or_said(name: str, kind: str, tmp_path: Path) -> None:
    said, _, file = name.rpartition("=")
    path = tmp_path / f"{file}.safetensors"
    save_file({"controlnet_mid_block.weight": torch.ones(1)}, path)
    assert control_from(f"{said}={path}" if said else str(path)).kind == kind


def test_a_model_comes_with_its_control_networks_counted_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tiny_folder(tmp_path / "model")
    unet = load_model(str(folder), "cpu").unet
    scribble = folder_of(control_net(unet), tmp_path / "scribble")
    color = file_of(adapter(unet), tmp_path / "color.safetensors")
    model = load_model(str(folder), "cpu", controls=[str(scribble), f"tile={color}"])
    assert set(model.controls) == {"scribble", "tile"}
    assert model.name.endswith("model + scribble + color.safetensors")
    with pytest.raises(RequestError, match="Two control networks are for scribble"):
        load_model(str(folder), "cpu", controls=[str(scribble), f"scribble={color}"])
    seen: list[dict[str, int]] = []
    monkeypatch.setattr(devices, "pick_stay", lambda sizes, *_given: seen.append(dict(sizes)) or devices.Stay())
    load_model(str(folder), "cpu")
    load_model(str(folder), "cpu", controls=[str(scribble)])
    assert seen[1]["unet"] - seen[0]["unet"] == 4 * control_from(str(scribble)).numbers


def test_a_kind_that_no_network_is_there_for_is_said(published: DiffusionModel) -> None:
    with pytest.raises(EngineError, match="no control network for scribble"):
        answer(published, Condition("scribble", torch.rand(1, 3, 64, 64)))
