"""A model of the painter's own that looks at pictures: it names strokes, and says what a picture shows."""

from __future__ import annotations

import math
import re
from typing import Any

import cv2
import numpy as np
from scumble_protocol.geometry import Bounds

from ..imaging.arrays import Bools, Bytes
from ..imaging.mask import bounds_of, grow
from .own_model import OwnModel
from .sketch_net import thinned
from .vocabulary import ARTICLES

QUESTION = "This is a drawing of one thing. What is it? Answer with one or two words."
QUESTION_THERE = (
    "Something was drawn onto this picture with thick black lines. What is it? Answer with one or two words."
)
CAPTION = "Say what this picture shows in one short sentence."
SIDE_PX = 384
LINE_PX = 3.0
TOP = 3
# How much of a look at the picture the strokes take.
STROKES_SHARE = 0.5
MAX_NEW_TOKENS, MAX_CAPTION_TOKENS, MAX_CAPTION_WORDS = 8, 40, 24
MAX_TIME_S = 60.0
SHOWS = re.compile(
    r"^(?:(?:the|this) (?:image|picture|photo|drawing) (?:shows|is of|depicts|features)|(?:this|it|there) (?:is|are)|"
    r"(?:an?|the) (?:image|picture|photo) of) "
)
LEAD = re.compile(r"^(?:(?:it|this) (?:is|looks like)|it's|(?:a )?(?:drawing|sketch|picture|outline) of|answer:?) ")


class OwnGuesser:
    """Any image-text-to-text model that transformers loads (AutoModelForImageTextToText and AutoProcessor)."""

    def __init__(self, own: OwnModel) -> None:
        self.own, self.name = own, own.label

    def guess(self, lines: Bools, picture: Bytes | None = None) -> tuple[tuple[str, ...], tuple[float, ...]]:
        """Return up to three words, the likeliest first, with their probabilities; none when it says nothing like a word.

        `picture` (any size, sRGB u8): what was drawn on; a curve on a face is a mouth.
        """
        chances: dict[str, float] = {}
        question = QUESTION if picture is None else QUESTION_THERE
        for text, chance in self._answers(drawn(lines, picture), question, TOP, MAX_NEW_TOKENS):
            word = word_in(text)
            if word:
                chances[word] = chances.get(word, 0.0) + chance
        ranked = sorted(chances.items(), key=lambda one: -one[1])[:TOP]
        return tuple(word for word, _ in ranked), tuple(chance for _, chance in ranked)

    def caption(self, picture: Bytes) -> str:
        """Say what a picture (h, w, 3), sRGB u8, shows, as a prompt would: "a red car on a street"; "" when it says nothing of use."""
        return caption_in(self._answers(picture, CAPTION, 1, MAX_CAPTION_TOKENS)[0][0])

    def _answers(self, picture: Bytes, question: str, count: int, tokens: int) -> list[tuple[str, float]]:
        """Return the likeliest answers (a beam search) and their probabilities."""
        import torch

        loaded = self.own.get()
        model, processor = loaded.model, loaded.processor
        inputs = _inputs(processor, picture, question).to(model.device, model.dtype)
        with torch.no_grad():
            found = model.generate(
                **inputs,
                do_sample=False,
                num_beams=TOP,
                num_return_sequences=count,
                max_new_tokens=tokens,
                max_time=MAX_TIME_S,
                length_penalty=0.0,
                output_scores=True,
                return_dict_in_generate=True,
            )
        asked = inputs["input_ids"][0] if "input_ids" in inputs else found.sequences[0, :0]
        repeats = torch.equal(found.sequences[0, : len(asked)], asked)
        texts = processor.batch_decode(found.sequences[:, len(asked) if repeats else 0 :], skip_special_tokens=True)
        # Without a length penalty a beam's score is its log-probability.
        return [
            (text, math.exp(min(0.0, float(score)))) for text, score in zip(texts, found.sequences_scores, strict=True)
        ]


def _inputs(processor: Any, picture: Bytes, question: str) -> Any:
    from PIL import Image

    images = [Image.fromarray(picture)]
    if getattr(processor, "chat_template", None):
        content = [{"type": "image"}, {"type": "text", "text": question}]
        text = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
    elif getattr(processor, "image_token", None):
        text = f"{processor.image_token}{question}"
    else:  # a captioner, such as BLIP: it would go on from the question
        return processor(images=images, return_tensors="pt")
    return processor(images=images, text=text, return_tensors="pt")


def drawn(lines: Bools, picture: Bytes | None = None) -> Bytes:
    """Return the lines black, (SIDE_PX, SIDE_PX, 3), centred, equally thick whatever the pen was: on white, or with a white rim where
    they lie on the picture (any size; it is continued beyond its border)."""
    sheet = np.full((SIDE_PX, SIDE_PX, 3), 255, np.uint8)
    if not lines.any():
        return sheet
    reach = SIDE_PX * (0.8 if picture is None else STROKES_SHARE)
    thin = thinned(lines, SIDE_PX, reach)
    if picture is not None:
        sheet = _around(bounds_of(lines), lines.shape, picture, reach)
        sheet[grow(thin, 2 * LINE_PX)] = 255
    sheet[grow(thin, LINE_PX)] = 0
    return sheet


def _around(strokes: Bounds, shape: tuple[int, ...], picture: Bytes, reach: float) -> Bytes:
    """Return the part of a picture around the strokes, whose longer side takes `reach` pixels of it."""
    scale = reach / max(strokes.width, strokes.height)
    middle = (strokes.x + strokes.width / 2, strokes.y + strokes.height / 2)
    across, down = picture.shape[1] / shape[1], picture.shape[0] / shape[0]
    moved = np.array(
        [
            [scale / across, 0, SIDE_PX / 2 - scale * middle[0]],
            [0, scale / down, SIDE_PX / 2 - scale * middle[1]],
        ]
    )
    size = (SIDE_PX, SIDE_PX)
    return np.asarray(cv2.warpAffine(picture, moved, size, borderMode=cv2.BORDER_REPLICATE), dtype=np.uint8)


def caption_in(answer: str) -> str:
    """Return an answer's first sentence as a prompt ("The image shows a red car." -> "a red car"), or nothing."""
    first = answer.strip().splitlines()[0] if answer.strip() else ""
    text = SHOWS.sub("", re.split(r"[.!?]", first.lower())[0].strip(" '\"*"))
    words = text.split()
    return " ".join(words) if 0 < len(words) <= MAX_CAPTION_WORDS and text.isprintable() else ""


def word_in(answer: str) -> str:
    """Return the noun that an answer consists of ("It is a red apple." -> "red apple"), or nothing."""
    text = answer.strip().lower().splitlines()[0] if answer.strip() else ""
    text = LEAD.sub("", LEAD.sub("", text.strip(" '\"*")))  # "It is a drawing of a cat" has two
    text = re.split(r"[,.;:!?(\"]| (?:or|and|on|in|at|with) ", text)[0].strip()
    words = [word for word in text.split() if word not in ARTICLES]
    wordlike = all(re.fullmatch(r"[^\W\d_]{2,}(?:['-][^\W\d_]+)*", word) for word in words)
    return " ".join(words) if 0 < len(words) <= 3 and wordlike and len(text) <= 40 else ""
