"""Strokes -> words by an image-text-to-text model of the painter's own."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

from ..imaging.arrays import Bools, Bytes
from ..imaging.mask import grow
from .own_model import OwnModel
from .sketch_net import thinned
from .vocabulary import ARTICLES

QUESTION = "This is a drawing of one thing. What is it? Answer with one or two words."
SIDE_PX = 384
LINE_PX = 3.0
TOP = 3
MAX_NEW_TOKENS = 8
MAX_TIME_S = 60.0
LEAD = re.compile(r"^(?:(?:it|this) (?:is|looks like)|it's|(?:a )?(?:drawing|sketch|picture|outline) of|answer:?) ")


class OwnGuesser:
    """Any image-text-to-text model that transformers loads (AutoModelForImageTextToText and AutoProcessor)."""

    def __init__(self, own: OwnModel) -> None:
        self.own, self.name = own, own.label

    def guess(self, lines: Bools) -> tuple[tuple[str, ...], tuple[float, ...]]:
        """Return up to three words, the likeliest first, with their probabilities; none when it says nothing like a word."""
        chances: dict[str, float] = {}
        for text, chance in self._answers(drawn(lines)):
            word = word_in(text)
            if word:
                chances[word] = chances.get(word, 0.0) + chance
        ranked = sorted(chances.items(), key=lambda one: -one[1])[:TOP]
        return tuple(word for word, _ in ranked), tuple(chance for _, chance in ranked)

    def _answers(self, drawing: Bytes) -> list[tuple[str, float]]:
        """Return the likeliest answers (a beam search) and their probabilities."""
        import torch

        loaded = self.own.get()
        model, processor = loaded.model, loaded.processor
        inputs = _inputs(processor, drawing).to(model.device, model.dtype)
        with torch.no_grad():
            found = model.generate(
                **inputs,
                do_sample=False,
                num_beams=TOP,
                num_return_sequences=TOP,
                max_new_tokens=MAX_NEW_TOKENS,
                max_time=MAX_TIME_S,
                length_penalty=0.0,
                output_scores=True,
                return_dict_in_generate=True,
            )
        asked = inputs["input_ids"][0]
        repeats = torch.equal(found.sequences[0, : len(asked)], asked)
        texts = processor.batch_decode(found.sequences[:, len(asked) if repeats else 0 :], skip_special_tokens=True)
        # Without a length penalty a beam's score is its log-probability.
        return [
            (text, math.exp(min(0.0, float(score)))) for text, score in zip(texts, found.sequences_scores, strict=True)
        ]


def _inputs(processor: Any, drawing: Bytes) -> Any:
    from PIL import Image

    if getattr(processor, "chat_template", None):
        content = [{"type": "image"}, {"type": "text", "text": QUESTION}]
        text = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
    else:
        text = f"{getattr(processor, 'image_token', '')}{QUESTION}"
    return processor(images=[Image.fromarray(drawing)], text=text, return_tensors="pt")


def drawn(lines: Bools) -> Bytes:
    """Return the lines black on white, (SIDE_PX, SIDE_PX, 3), centred, with a margin, equally thick whatever the pen was."""
    sheet = np.full((SIDE_PX, SIDE_PX, 3), 255, np.uint8)
    if lines.any():
        sheet[grow(thinned(lines, SIDE_PX, 0.8 * SIDE_PX), LINE_PX)] = 0
    return sheet


def word_in(answer: str) -> str:
    """Return the noun that an answer consists of ("It is a red apple." -> "red apple"), or nothing."""
    text = answer.strip().lower().splitlines()[0] if answer.strip() else ""
    text = LEAD.sub("", LEAD.sub("", text.strip(" '\"*")))  # "It is a drawing of a cat" has two
    text = re.split(r"[,.;:!?(\"]| or | and ", text)[0].strip()
    words = [word for word in text.split() if word not in ARTICLES]
    wordlike = all(re.fullmatch(r"[^\W\d_]{2,}(?:['-][^\W\d_]+)*", word) for word in words)
    return " ".join(words) if 0 < len(words) <= 3 and wordlike and len(text) <= 40 else ""
