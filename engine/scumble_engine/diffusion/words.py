"""Prompts as the network reads them: embeddings, pooled embeddings, and where each word's tokens lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from scumble_protocol.errors import RequestError
from scumble_protocol.wording import said
from torch import Tensor


@dataclass(frozen=True)
class Conditioning:
    """One encoded prompt. `embeds`: (1, tokens, channels); `pooled`: (1, channels) for SDXL; `token_ids` with start, end and padding."""

    prompt: str
    embeds: Tensor
    pooled: Tensor | None
    token_ids: tuple[int, ...]
    length: int

    @property
    def inner_ids(self) -> tuple[int, ...]:
        """The ids of the prompt's own tokens, without start, end and padding."""
        return self.token_ids[1 : self.length - 1]


class PromptEncoder:
    """Encode prompts with a diffusers pipeline's own text encoders, once per prompt.

    Raises RequestError for a prompt longer than the model reads: cutting it silently would lose the painter's words.
    """

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline
        self.known: dict[str, Conditioning] = {}

    @property
    def tokenizer(self) -> Any:
        return self._pipeline.tokenizer

    def encode(self, prompt: str, device: torch.device) -> Conditioning:
        if prompt not in self.known:
            ids, length = self._tokens(prompt)
            embeds, pooled = self._embed(prompt, device)
            self.known[prompt] = Conditioning(prompt, embeds, pooled, ids, length)
        return self.known[prompt]

    def _tokens(self, prompt: str) -> tuple[tuple[int, ...], int]:
        limit = int(self.tokenizer.model_max_length)
        if len(prompt) > 40 * limit:
            raise RequestError(_too_long(len(prompt.split()), limit - 2), "prompt-too-long")
        ids = list(self.tokenizer(prompt).input_ids)
        if len(ids) > limit:
            raise RequestError(_too_long(len(ids) - 2, limit - 2), "prompt-too-long")
        padding = [self.tokenizer.pad_token_id] * (limit - len(ids))
        return tuple(ids + padding), len(ids)

    @torch.no_grad()
    def _embed(self, prompt: str, device: torch.device) -> tuple[Tensor, Tensor | None]:
        answer = self._pipeline.encode_prompt(
            prompt, device=device, num_images_per_prompt=1, do_classifier_free_guidance=False
        )
        embeds, pooled = answer[0], (answer[2] if len(answer) == 4 else None)
        if pooled is not None and not prompt and self._pipeline.config.get("force_zeros_for_empty_prompt", True):
            # SDXL was trained with zeros where nothing is said.
            return torch.zeros_like(embeds), torch.zeros_like(pooled)
        return embeds, pooled


def _too_long(count: int, limit: int) -> str:
    return said(
        "The prompt has about {count} words and the model reads {limit}; say it in fewer words.",
        count=count,
        limit=limit,
    )


def token_positions(tokenizer: Any, conditioning: Conditioning, words: str) -> tuple[int, ...]:
    """Return the token positions of every occurrence of `words` in a prompt; empty when it does not occur."""
    wanted = tuple(tokenizer(words).input_ids)[1:-1]
    ids = conditioning.inner_ids
    starts = [i for i in range(len(ids) - len(wanted) + 1) if wanted and ids[i : i + len(wanted)] == wanted]
    return tuple(sorted({start + 1 + offset for start in starts for offset in range(len(wanted))}))


def stacked(conditionings: Sequence[Conditioning]) -> tuple[Tensor, Tensor | None]:
    """Return embeddings (n, tokens, channels) and pooled embeddings (n, channels) or None, one row for each prompt."""
    embeds = torch.cat([one.embeds for one in conditionings])
    pooled = [one.pooled for one in conditionings if one.pooled is not None]
    return embeds, torch.cat(pooled) if pooled else None
