"""The tokenizer and the text encoder, and the text encoder's head start: learning which words name what."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from scumble_engine.training.captions import Caption, Describer
from scumble_engine.training.palette import COLORS
from scumble_engine.training.recipe import Recipe
from scumble_engine.training.scenes import BACKGROUNDS, Scene, SceneSampler
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

_START, _END = "<|startoftext|>", "<|endoftext|>"


def train_tokenizer(sentences: Iterable[str], vocabulary: int, length: int, folder: Path) -> CLIPTokenizer:
    """Learn byte pairs in CLIP's way and write `vocab.json` + `merges.txt` with the tokenizer's settings to `folder`."""
    learner = Tokenizer(models.BPE(unk_token=_END, end_of_word_suffix="</w>"))
    learner.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    learner.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(_word_pattern(), "removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        initial_alphabet=sorted(alphabet),
        special_tokens=[_START, _END],
        end_of_word_suffix="</w>",
        show_progress=False,
    )
    learner.train_from_iterator(sentences, trainer)
    folder.mkdir(parents=True, exist_ok=True)
    learner.model.save(str(folder))
    vocab = json.loads((folder / "vocab.json").read_text())
    lines = (folder / "merges.txt").read_text().splitlines()
    merges = [tuple(line.split(" ")) for line in lines if line and not line.startswith("#")]
    for letter in sorted(alphabet):  # the trainer's own alphabet can't hold the forms that end a word
        vocab.setdefault(f"{letter}</w>", len(vocab))
    tokenizer = CLIPTokenizer(vocab=vocab, merges=merges, model_max_length=length)
    tokenizer.save_pretrained(folder)
    return tokenizer


def _word_pattern() -> Regex:
    return Regex(r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+")


def new_text_encoder(recipe: Recipe, tokenizer: CLIPTokenizer) -> CLIPTextModel:
    """Return a fresh text encoder in CLIP's architecture."""
    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=recipe.text_width,
        intermediate_size=4 * recipe.text_width,
        num_hidden_layers=recipe.text_layers,
        num_attention_heads=max(1, recipe.text_width // 64),
        max_position_embeddings=recipe.text_length,
        projection_dim=recipe.text_width,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return CLIPTextModel(config)


def tokenize(tokenizer: CLIPTokenizer, texts: Sequence[str]) -> Tensor:
    """Return token ids (B, length), cut and padded as diffusers' pipelines do."""
    found = tokenizer(list(texts), padding="max_length", truncation=True, return_tensors="pt")
    return torch.as_tensor(found["input_ids"])


class _Reading(nn.Module):
    """What the words must tell: per token the named object's concept and colour, at the end ground and its colour."""

    def __init__(self, width: int, concepts: Sequence[str]) -> None:
        super().__init__()
        self.concepts = {name: i for i, name in enumerate(concepts)}
        self.concept = nn.Linear(width, len(concepts))
        self.color = nn.Linear(width, len(COLORS) + 1)
        self.ground = nn.Linear(width, len(BACKGROUNDS) * (len(COLORS) + 1))

    def loss(self, hidden: Tensor, pooled: Tensor, scenes: Sequence[Scene], tokens: Tensor) -> Tensor:
        """Return the cross entropy; `tokens` (B, objects) holds the place of each object's last token, or -1."""
        row, item = torch.nonzero(tokens >= 0, as_tuple=True)
        states = hidden[row, tokens[row, item]]
        named = [scenes[r].objects[i] for r, i in zip(row.tolist(), item.tolist(), strict=True)]
        concept = torch.tensor([self.concepts[obj.concept] for obj in named], device=hidden.device)
        color = torch.tensor([_color_class(obj.color) for obj in named], device=hidden.device)
        grounds = [scene.background for scene in scenes]
        classes = [BACKGROUNDS.index(g.kind) * (len(COLORS) + 1) + _color_class(g.color) for g in grounds]
        ground = F.cross_entropy(self.ground(pooled), torch.tensor(classes, device=hidden.device))
        return F.cross_entropy(self.concept(states), concept) + F.cross_entropy(self.color(states), color) + ground


def _color_class(name: str | None) -> int:
    return 0 if name is None else 1 + COLORS.index(name)


def object_tokens(tokenizer: CLIPTokenizer, captions: Sequence[Caption], width: int) -> Tensor:
    """Return (B, width): the index of the last token that names each object, -1 where the caption does not."""
    found = tokenizer([c.text for c in captions], padding="max_length", truncation=True, return_offsets_mapping=True)
    places = torch.full((len(captions), width), -1)
    for row, caption in enumerate(captions):
        end = 0
        for text, item in caption.pieces:
            end += len(text)
            inside = [i for i, (a, b) in enumerate(found["offset_mapping"][row]) if a < b <= end]
            if item is not None and inside and inside[-1] > 0:
                places[row, item] = inside[-1]
    return places


def teach_reading(
    encoder: CLIPTextModel, tokenizer: CLIPTokenizer, sampler: SceneSampler, describer: Describer, recipe: Recipe
) -> float:
    """Give the text encoder a head start (a minute on one core): name concepts, colours, grounds from the words alone.

    The denoiser then need not discover from noise which words matter. Returns the last loss.
    """
    draw = random.Random(recipe.seed)
    reading = _Reading(recipe.text_width, [concept.name for concept in recipe.concepts]).to(encoder.device)
    learner = torch.optim.AdamW([*encoder.parameters(), *reading.parameters()], lr=2e-3)
    loss = torch.zeros(())
    for step in range(recipe.text_steps):
        for group in learner.param_groups:
            group["lr"] = 2e-3 * min(1, (step + 1) / 20) * (1 - step / recipe.text_steps)
        scenes = sampler.batch(64)
        captions = [describer.vary(scene, draw) for scene in scenes]
        ids = tokenize(tokenizer, [caption.text for caption in captions]).to(encoder.device)
        found = encoder(ids)
        places = object_tokens(tokenizer, captions, 4).to(encoder.device)
        loss = reading.loss(found.last_hidden_state, found.pooler_output, scenes, places)
        learner.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        learner.step()
    return float(loss.detach())
