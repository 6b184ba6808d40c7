"""What the editor is given: where pulls start and end, what they bring, and that absent cues say nothing."""

from __future__ import annotations

from dataclasses import replace

import torch
from scumble_engine.diffusion.editor_cues import Cues, condition_channels, conditions, no_cues, pull_maps, what_arrives
from scumble_engine.models.linear_autoencoder import LinearAutoencoder


def pulled(picture: torch.Tensor, *pulls: tuple[float, float, float, float]) -> Cues:
    return replace(no_cues(picture), pulls=torch.tensor([pulls]), held=torch.ones(1, len(pulls)))


def test_conditions_have_the_channels_they_say_and_absent_cues_are_zero() -> None:
    vae = LinearAutoencoder(latent_channels=4)
    found = conditions(vae, no_cues(torch.rand(2, 3, 64, 64)))
    assert found.shape == (2, condition_channels(4), 8, 8)
    source, mask, rest, present = found[:, :4], found[:, 4:5], found[:, 5:-1], found[:, -1:]
    assert source.abs().sum() > 0
    assert (mask == 1).all()
    assert (rest == 0).all()
    assert (present == 1).all()


def test_without_a_source_neither_its_latents_nor_what_pulls_bring_are_told() -> None:
    vae = LinearAutoencoder(latent_channels=4)
    cues = replace(pulled(torch.rand(1, 3, 64, 64), (16.0, 16.0, 40.0, 40.0)), present=torch.zeros(1))
    found = conditions(vae, cues)
    assert (found[:, :4] == 0).all()
    assert (found[:, -6:] == 0).all()


def test_a_pull_is_warm_where_it_starts_and_where_it_ends_and_says_how_far() -> None:
    starts, ends, dx, dy = pull_maps(pulled(torch.zeros(1, 3, 128, 128), (20.0, 36.0, 84.0, 100.0)))[0]
    assert divmod(int(starts.argmax()), 16) == (4, 2)
    assert divmod(int(ends.argmax()), 16) == (12, 10)
    assert torch.isclose(dx[4, 2], torch.tensor(2.0), atol=0.3)  # 64 of 128 pixels, in quarters of the canvas
    assert torch.isclose(dy[4, 2], torch.tensor(2.0), atol=0.3)
    assert abs(float(dx[12, 10])) < 0.1


def test_what_lies_at_a_pulls_start_arrives_at_its_end() -> None:
    picture = torch.zeros(1, 3, 64, 64)
    picture[:, 0, 10:16, 10:16] = 1.0
    arrived, sure = what_arrives(pulled(picture, (13.0, 13.0, 45.0, 29.0)))
    assert arrived[0, 0, 27:31, 43:47].min() > 0.99
    assert sure[0, 0, 28, 44] > 0.9
    assert sure[0, 0, 60, 5] < 0.01


def test_two_pulls_bring_each_their_own() -> None:
    picture = torch.zeros(1, 3, 64, 64)
    picture[:, 0, 8:12, 8:12] = 1.0
    picture[:, 1, 52:56, 52:56] = 1.0
    arrived, _ = what_arrives(pulled(picture, (10.0, 10.0, 10.0, 30.0), (54.0, 54.0, 54.0, 34.0)))
    assert arrived[0, 0, 29:31, 9:11].min() > 0.9
    assert arrived[0, 1, 33:35, 53:55].min() > 0.9
