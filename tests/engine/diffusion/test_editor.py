"""The editor's network and how it is used: a fresh one is what it was made from, the gate keeps the source, seeds repeat."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from diffusers import UNet2DConditionModel
from scumble_engine.diffusion.editor import Asked, Editor, Painted
from scumble_engine.diffusion.editor_cues import condition_channels, conditions
from scumble_engine.diffusion.editor_net import alone, settle, widen, with_weights
from scumble_engine.diffusion.schedule import Schedule
from scumble_engine.models.linear_autoencoder import LinearAutoencoder
from scumble_engine.training.networks import new_scheduler

LATENT = 4


class Letters:
    """A tokenizer of letters, and an encoder of them."""

    def __call__(self, words: list[str], **_: object) -> dict[str, torch.Tensor]:
        return {"input_ids": torch.tensor([[ord(letter) % 32 for letter in word.ljust(8)[:8]] for word in words])}


class Encoder(torch.nn.Embedding):
    def forward(self, ids: torch.Tensor) -> object:  # type: ignore[override]
        return type("Found", (), {"last_hidden_state": super().forward(ids)})()


def small_unet() -> UNet2DConditionModel:
    torch.manual_seed(0)
    return UNet2DConditionModel(
        sample_size=8, in_channels=LATENT, out_channels=LATENT, layers_per_block=1, block_out_channels=(8, 8),
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        attention_head_dim=2, cross_attention_dim=8, norm_num_groups=4,
    )  # fmt: skip


@pytest.fixture
def editor() -> Editor:
    vae = LinearAutoencoder(latent_channels=LATENT)
    vae.fit(torch.rand(4, 3, 64, 64) * 2 - 1, 0.3)
    schedule = Schedule(new_scheduler().alphas_cumprod.double(), "v_prediction")
    return Editor(Letters(), Encoder(32, 8), vae, widen(small_unet()).eval(), schedule)


@torch.no_grad()
def test_a_widened_network_answers_as_before_whatever_the_cues() -> None:
    z, text, cues = torch.randn(2, LATENT, 8, 8), torch.randn(2, 5, 8), torch.randn(2, condition_channels(LATENT), 8, 8)
    before = small_unet()(z, 500, text).sample
    wide = widen(small_unet())
    after = wide(torch.cat([z, cues], 1), 500, text).sample
    assert after.shape[1] == LATENT + 1
    assert torch.allclose(after[:, :LATENT], before, atol=1e-5)
    assert (torch.sigmoid(after[:, LATENT:]) < 0.02).all()


@torch.no_grad()
def test_weights_with_fewer_cues_start_a_network_with_more() -> None:
    old = small_unet()
    fewer = torch.nn.Conv2d(LATENT + 7, 8, 3, padding=1)
    old.conv_in = fewer
    z, text, known = torch.randn(1, LATENT, 8, 8), torch.randn(1, 5, 8), torch.randn(1, 7, 8, 8)
    before = old(torch.cat([z, known], 1), 300, text).sample
    new = widen(with_weights(small_unet(), old.state_dict()))
    more = torch.randn(1, condition_channels(LATENT) - 7, 8, 8)
    after = new(torch.cat([z, known, more], 1), 300, text).sample
    assert torch.allclose(after[:, :LATENT], before, atol=1e-5)


def test_an_open_gate_gives_the_source_and_a_shut_one_the_networks_own() -> None:
    noise, source = torch.randn(1, LATENT, 8, 8), torch.randn(1, LATENT, 8, 8)
    alphas = torch.tensor([0.3])
    noisy = alphas.sqrt() * source + (1 - alphas).sqrt() * noise
    condition = torch.cat(
        [source, torch.zeros(1, condition_channels(LATENT) - LATENT - 1, 8, 8), torch.ones(1, 1, 8, 8)], 1
    )
    wrong = torch.randn(1, LATENT, 8, 8)
    for logit, expected in ((30.0, source), (-30.0, alphas.sqrt() * noisy - (1 - alphas).sqrt() * wrong)):
        output = torch.cat([wrong, torch.full((1, 1, 8, 8), logit)], 1)
        velocity, _ = settle(output, noisy, condition, alphas)
        # the network's noise is kept: the clean part alone is mixed
        clean = velocity - wrong
        own = alphas.sqrt() * noisy - (1 - alphas).sqrt() * wrong
        found = own - clean / (1 - alphas).sqrt()
        assert torch.allclose(found, expected, atol=1e-4)


def test_without_a_source_the_gate_does_nothing() -> None:
    condition = torch.zeros(1, condition_channels(LATENT), 8, 8)
    output = torch.cat([torch.randn(1, LATENT, 8, 8), torch.full((1, 1, 8, 8), 30.0)], 1)
    velocity, _ = settle(output, torch.randn(1, LATENT, 8, 8), condition, torch.tensor([0.3]))
    assert torch.equal(velocity, output[:, :LATENT])


@torch.no_grad()
def test_by_itself_it_is_a_text_to_image_denoiser_that_answers_as_without_a_source(editor: Editor) -> None:
    torch.nn.init.normal_(editor.unet.conv_in.weight, std=0.1)
    z, text = torch.randn(2, LATENT, 8, 8), torch.randn(2, 5, 8)
    condition = conditions(editor.vae, editor.cues([Asked(), Asked()]))
    said, _ = settle(
        editor.unet(torch.cat([z, condition], 1), 400, text).sample, z, condition, torch.tensor([0.5, 0.5])
    )
    bare = alone(editor.unet)
    assert torch.allclose(bare(z, 400, text).sample, said, atol=1e-5)
    assert (bare.config.in_channels, bare.config.out_channels) == (LATENT, LATENT)
    assert editor.unet.config.in_channels == LATENT + condition_channels(LATENT)


def test_the_same_request_and_seed_give_the_same_picture_alone_and_among_others(editor: Editor) -> None:
    source = np.full((64, 64, 3), 128, np.uint8)
    asked = Asked(source, words="a red apple", pulls=((10.0, 10.0, 30.0, 30.0),))
    alone = editor.paint(asked, steps=2, seed=3)
    among = editor.paint_all([Asked(words="a star"), asked], steps=2, seed=3)[1]
    assert alone.picture.shape == (64, 64, 3)
    assert np.allclose(alone.picture, among.picture, atol=1e-4)
    assert not np.allclose(alone.picture, editor.paint(asked, steps=2, seed=4).picture, atol=1e-3)


def test_cues_are_taken_at_any_size_and_pulls_with_them(editor: Editor) -> None:
    large = Asked(np.zeros((256, 256, 3), np.uint8), add=np.ones((256, 256)), pulls=((80.0, 40.0, 160.0, 200.0),))
    cues = editor.cues([large, Asked()])
    assert cues.picture.shape == (2, 3, 64, 64)
    assert torch.equal(cues.pulls[0, 0], torch.tensor([20.0, 10.0, 40.0, 50.0]))
    assert cues.held.tolist() == [[1.0], [0.0]]
    assert cues.present.tolist() == [1.0, 0.0]
    assert (cues.add[0] == 1).all()
    assert (cues.mask == 1).all()


def test_what_stays_and_what_lies_outside_the_mask_is_the_sources_to_the_bit() -> None:
    source = np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    stays = np.ones((48, 48), np.float32)
    stays[12:36, 12:36] = 0.0
    painted = Painted(np.full((48, 48, 3), 0.5, np.float32), stays)
    mask = np.zeros((96, 96), bool)
    mask[:, :48] = True
    laid = painted.over(source, mask)
    assert (laid[:, 48:] == source[:, 48:]).all()
    assert (laid[:20, :48] == source[:20, :48]).all()
    assert (laid[34:62, 34:48] == 128).all()
    assert not (replace(painted, stays=stays * 0).over(source) == source).all()
