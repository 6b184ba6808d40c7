"""Checkpoints as their authors publish them: each loads in its own layout, weight for weight, or is refused in words."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from published_models import NAMES, as_published, networks, published_folder, shrunk
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from scumble_engine.diffusion import devices
from scumble_engine.diffusion.devices import Berth, autoencoder_dtype, stay_of
from scumble_engine.diffusion.loading import open_known
from scumble_engine.diffusion.model import load_model
from scumble_engine.models.checkpoint import open_checkpoint
from scumble_protocol.errors import EngineError, RequestError
from torch import nn

SERVED = [name for name in NAMES if name != "sdxl-refiner"]
PREDICTS = {"sd21": "v_prediction"}


@pytest.fixture(scope="module")
def sd15(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return published_folder(tmp_path_factory.mktemp("published") / "sd15", "sd15")


@pytest.mark.parametrize("name", SERVED)
def test_every_published_class_loads_weight_for_weight_and_predicts(name: str, tmp_path: Path) -> None:
    model = load_model(str(published_folder(tmp_path / name, name, ("",))), "cpu")
    assert model.schedule.prediction_type == PREDICTS.get(name, "epsilon")
    assert model.takes_guidance == (name == "lcm")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for part, network in networks(shrunk(name)).items():
            loaded = as_published(part, getattr(model.pipeline, part))
            assert all(torch.equal(weight, loaded[key]) for key, weight in as_published(part, network).items())
    z = torch.randn(2, 4, 8, 8)
    with torch.no_grad():
        answer = model.predict(z, 500, [model.words("a red cat"), model.words("")])
    assert answer.x0.isfinite().all()
    assert not torch.equal(answer.x0[0] - z[0], answer.x0[1] - z[1])


def test_the_refiner_is_refused_in_words(tmp_path: Path) -> None:
    folder = published_folder(tmp_path / "sdxl-refiner", "sdxl-refiner", ("fp16",))
    with pytest.raises(RequestError, match=r"is SDXL's refiner.*name the base model"):
        load_model(str(folder), "cpu")


def test_a_folder_with_half_precision_alone_loads_in_full(tmp_path: Path) -> None:
    model = load_model(str(published_folder(tmp_path / "half", "sd15", ("fp16",))), "cpu")
    assert model.unet.dtype == torch.float32


def test_half_precision_reads_its_own_files_and_counts_no_others(sd15: Path) -> None:
    half, full = open_checkpoint(sd15, half=True), open_checkpoint(sd15)
    assert (half.variant, full.variant) == ("fp16", "")
    assert half.numbers == full.numbers
    parts = {
        part: sum(weight.numel() for weight in network.parameters())
        for part, network in networks(shrunk("sd15")).items()
    }
    assert half.numbers == parts
    assert half.part_bytes({"vae": 4}, 2) == {
        part: count * (4 if part == "vae" else 2) for part, count in parts.items()
    }
    on_disk = sum(file.stat().st_size for file in sd15.glob("**/*.safetensors"))
    assert sum(half.part_bytes({}, 2).values()) < on_disk / 2.9


def test_the_published_sizes_need_what_they_need_and_no_more(sd15: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SD 1.5's own numbers, 1.07 billion, in half precision: on a card with 8 GiB whole, with 3 GiB too, and refused with 1."""
    checkpoint = open_known(sd15, half=True)
    numbers = {"unet": 859_520_964, "vae": 83_653_863, "text_encoder": 123_060_480}
    object.__setattr__(checkpoint, "numbers", numbers)
    object.__setattr__(checkpoint, "configs", {"vae": {"block_out_channels": [128, 256]}, "unet": {"sample_size": 64}})
    dtypes = {"default": torch.float16, "vae": torch.float16}
    for gib, wanted in ((8.0, ("whole", False)), (2.6, ("whole", False)), (2.2, ("offloaded", True))):
        monkeypatch.setattr(devices, "free_bytes", lambda device, gib=gib: int(gib * 2**30))
        stay = stay_of(checkpoint, dtypes, torch.device("cuda"))
        assert (stay.residence, stay.tiled) == wanted
    monkeypatch.setattr(devices, "free_bytes", lambda device: 2**30)
    with pytest.raises(EngineError, match=r"needs 2\.5 GiB of memory and 1\.0 GiB are free"):
        stay_of(checkpoint, dtypes, torch.device("cuda"))


def test_an_autoencoder_that_overflows_runs_in_full_precision_and_others_in_half() -> None:
    assert autoencoder_dtype(torch.float16, shrunk("sdxl")["vae/config.json"], xl=True) == torch.float32
    assert autoencoder_dtype(torch.bfloat16, {"force_upcast": False}, xl=True) == torch.float16
    assert autoencoder_dtype(torch.bfloat16, shrunk("lcm")["vae/config.json"], xl=False) == torch.float16
    assert autoencoder_dtype(torch.float32, {}, xl=False) == torch.float32


def test_weights_that_a_part_lacks_are_said_and_never_made_up(tmp_path: Path) -> None:
    folder = published_folder(tmp_path / "sd15", "sd15", ("",))
    file = folder / "text_encoder" / "model.safetensors"
    kept = {key: weight for key, weight in load_file(file).items() if "layers.1." not in key}
    save_file(kept, file, metadata={"format": "pt"})
    with pytest.raises(RequestError, match="lacks weights of its text_encoder"):
        load_model(str(folder), "cpu")


def test_sdxl_reads_zeros_where_nothing_is_said(tmp_path: Path) -> None:
    folder = published_folder(tmp_path / "xl", "sdxl", ("fp16",))
    model = load_model(str(folder), "cpu")
    nothing, cat = model.words(""), model.words("a cat")
    assert nothing.pooled is not None
    assert not nothing.embeds.any()
    assert not nothing.pooled.any()
    assert cat.embeds.any()
    index = folder / "model_index.json"
    index.write_text(json.dumps(json.loads(index.read_text()) | {"force_zeros_for_empty_prompt": False}))
    assert load_model(str(folder), "cpu").words("").embeds.any()


def test_an_inpainting_network_is_told_that_all_is_hole(tmp_path: Path) -> None:
    model = load_model(str(published_folder(tmp_path / "inpaint", "sd15-inpaint", ("",))), "cpu")
    seen: list[torch.Tensor] = []
    model.unet.conv_in.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    with torch.no_grad():
        model.predict(torch.zeros(1, 4, 8, 8), 500, [model.words("a cat")])
        gray = model.encode(torch.full((1, 3, 64, 64), 0.5))
    assert (seen[0][:, 4] == 1).all()
    assert torch.allclose(seen[0][:, 5:, 0, 0], gray.mean((2, 3)))


SCHEDULERS = [
    ({"_class_name": "EDMEulerScheduler", "sigma_data": 0.5}, "EDM"),
    ({"_class_name": "EDMDPMSolverMultistepScheduler", "prediction_type": "v_prediction"}, "EDM"),
    ({"_class_name": "EulerDiscreteScheduler", "timestep_type": "continuous", "sigma_max": 700.0}, "EDM"),
    ({"_class_name": "FlowMatchEulerDiscreteScheduler", "shift": 3.0}, "a flow"),
    (
        {"_class_name": "DPMSolverMultistepScheduler", "use_flow_sigmas": True, "prediction_type": "flow_prediction"},
        "a flow",
    ),
    ({"_class_name": "SomeNewScheduler"}, "not known"),
    ({"_class_name": "DDIMScheduler", "prediction_type": "score"}, "not known"),
]


@pytest.mark.parametrize(("config", "words"), SCHEDULERS)
def test_noise_levels_of_another_kind_are_refused_and_never_taken_as_ddpm(
    sd15: Path, tmp_path: Path, config: dict[str, object], words: str
) -> None:
    folder = tmp_path / "other"
    shutil.copytree(sd15, folder, copy_function=lambda a, b: Path(b).symlink_to(a))
    (folder / "scheduler" / "scheduler_config.json").unlink()
    (folder / "scheduler" / "scheduler_config.json").write_text(json.dumps(config))
    with pytest.raises(RequestError, match=words):
        load_model(str(folder), "cpu")


def test_half_precision_on_disk_has_the_numbers_of_the_plain_files(sd15: Path) -> None:
    """The shrunk folder's two variants are what a published repository's are: the same tensors, in half the bytes."""
    with (
        safe_open(sd15 / "unet" / "diffusion_pytorch_model.fp16.safetensors", "pt") as half,
        safe_open(sd15 / "unet" / "diffusion_pytorch_model.safetensors", "pt") as full,
    ):
        key = "conv_in.weight"
        assert torch.equal(half.get_tensor(key), full.get_tensor(key).half())


class Watched(nn.Module):
    """A part that notes where it is sent."""

    def __init__(self, name: str, diary: list[str]) -> None:
        super().__init__()
        self.name, self.diary = name, diary

    def to(self, where: object) -> Watched:  # type: ignore[override]
        self.diary.append(f"{self.name} -> {where}")
        return self


def test_an_offloaded_part_stays_until_another_is_needed() -> None:
    diary: list[str] = []
    unet, vae, berth = Watched("unet", diary), Watched("vae", diary), Berth()
    for part in (unet, unet, vae, unet):
        berth.bring((part,), torch.device("cuda"))
    assert diary == ["unet -> cuda", "unet -> cpu", "vae -> cuda", "vae -> cpu", "unet -> cuda"]


def test_turing_cards_that_only_emulate_bf16_get_fp16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation)
    assert devices.pick_dtype(torch.device("cuda")) == torch.float16
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: True)
    assert devices.pick_dtype(torch.device("cuda")) == torch.bfloat16
