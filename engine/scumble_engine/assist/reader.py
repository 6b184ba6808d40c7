"""Instruction -> prompt pair by a language model of the painter's own, and by the rules where it writes nonsense."""

from __future__ import annotations

from typing import Any, Protocol

from scumble_protocol.errors import ScumbleError
from scumble_protocol.messages import PromptPair
from scumble_protocol.wording import said

from .own_model import OwnModel
from .prompts import ARROW, read_instruction
from .schema import OPENING, Nonsense, messages_for, pair_in, plain_text
from .vocabulary import Vocabulary

MAX_NEW_TOKENS = 200
MAX_TIME_S = 60.0
END_TOKENS = 8


class Reader(Protocol):
    """What reads instructions beside the rules. Raises Nonsense, or ScumbleError where it can't be used."""

    name: str

    def read(self, instruction: str, picture_words: str, words: Vocabulary) -> PromptPair: ...


def read(
    instruction: str, words: Vocabulary, picture_words: str = "", reader: Reader | None = None, pointed: bool = False
) -> tuple[PromptPair, str]:
    """Read an instruction by the reader, if there is one, else by the rules; return the pair and a note ("" = nothing to say).

    `pointed`: whether the painter selected what is meant. Raises RequestError where the rules can't read it either, AskedBack where
    they are not sure.
    """
    if reader is None or ARROW.search(instruction):
        return read_instruction(instruction, words, picture_words, pointed), ""
    try:
        return reader.read(instruction, picture_words, words), ""
    except Nonsense as nonsense:
        note = said(
            "The reader {reader} wrote {nonsense}; the instruction was read by rules.",
            reader=reader.name,
            nonsense=nonsense,
        )
    except ScumbleError as error:
        note = said("{why}; the instruction was read by rules.", why=error.sentence.rstrip("."))
    return read_instruction(instruction, words, picture_words, pointed), note


class OwnReader:
    """Any text-generation model that transformers loads (AutoModelForCausalLM)."""

    def __init__(self, own: OwnModel) -> None:
        self.own, self.name = own, own.label

    def read(self, instruction: str, picture_words: str, words: Vocabulary) -> PromptPair:
        answer = OPENING + self._continued(self._text(messages_for(instruction, picture_words, words)) + OPENING)
        return pair_in(answer, instruction, words)

    def _text(self, messages: list[dict[str, str]]) -> str:
        tokenizer = self.own.get().processor
        if not getattr(tokenizer, "chat_template", None):
            return plain_text(messages)
        text: str = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        return text

    def _continued(self, prompt: str) -> str:
        """Return what the model writes after a prompt, up to the end of the first object."""
        import torch

        loaded = self.own.get()
        model, tokenizer = loaded.model, loaded.processor
        # A chat template has written the special tokens already.
        special = not getattr(tokenizer, "chat_template", None)
        inputs = tokenizer(prompt, return_tensors="pt", add_special_tokens=special).to(model.device)
        inputs.pop("token_type_ids", None)
        with torch.no_grad():
            tokens = model.generate(
                **inputs,
                do_sample=False,
                max_new_tokens=MAX_NEW_TOKENS,
                max_time=MAX_TIME_S,
                pad_token_id=_padding(tokenizer),
                stopping_criteria=[_closed(tokenizer, inputs["input_ids"].shape[1])],
            )
        text: str = tokenizer.decode(tokens[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
        return text


def _padding(tokenizer: Any) -> int:
    return int(tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id or 0)


def _closed(tokenizer: Any, start: int) -> Any:
    """Return a criterion that stops once an object was closed: the schema has no other closing brace."""

    def criterion(tokens: Any, scores: Any, **_more: Any) -> Any:
        import torch

        written = tokenizer.decode(tokens[0, max(start, tokens.shape[1] - END_TOKENS) :])
        return torch.full((tokens.shape[0],), "}" in written, device=tokens.device, dtype=torch.bool)

    return criterion
