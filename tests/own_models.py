"""Tiny transformers models of real classes, built and taught here: a language model and a model that looks at pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from PIL import Image
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch.nn import functional
from transformers import (
    BertTokenizer,
    BlipConfig,
    BlipForConditionalGeneration,
    BlipImageProcessorPil,
    BlipProcessor,
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    LlamaConfig,
    LlamaForCausalLM,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)

SPECIAL = ("<s>", "</s>", "<image>")
# The loss at which an answer is known by heart, whatever a machine's rounding.
KNOWN = 0.01


def tokenizer_for(texts: list[str]) -> PreTrainedTokenizerFast:
    """Return byte-level byte pairs learnt from these texts: any text survives them."""
    learnt = Tokenizer(models.BPE())
    learnt.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    learnt.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    learnt.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=600, special_tokens=list(SPECIAL), initial_alphabet=alphabet)
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=learnt, bos_token="<s>", eos_token="</s>", extra_special_tokens={"image_token": "<image>"}
    )


def language_model(folder: Path, prompt: str, answer: str, steps: int) -> Path:
    """Save a small Llama that was taught, in so many steps at most, to go on from `prompt` with `answer`, and its tokenizer."""
    return well_read_model(folder, {prompt: answer}, steps)


def well_read_model(folder: Path, answers: dict[str, str], steps: int) -> Path:
    """Save the same, taught to go on from each of these prompts with its answer.

    Its chat template keeps the last message alone, so that there is little to learn. Without steps it has no template.
    """
    tokenizer = tokenizer_for([*answers, *answers.values()])
    if steps:
        tokenizer.chat_template = "{{ messages[-1]['content'] }}"
    model = LlamaForCausalLM(_llama(len(tokenizer)))
    _teach(model, [(tokenizer(said).input_ids, tokenizer(answer).input_ids) for said, answer in answers.items()], steps)
    return _saved(folder, model, tokenizer)


def looking_model(folder: Path, answer: str, steps: int) -> Path:
    """Save a small Llava that was taught, in so many steps at most, to end with `answer` whatever it sees, and its processor."""
    tokenizer = tokenizer_for([answer])
    vision = CLIPVisionConfig(
        hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2, image_size=28, patch_size=14
    )
    image_token = tokenizer.convert_tokens_to_ids("<image>")
    config = LlavaConfig(
        vision_config=vision, text_config=_llama(len(tokenizer)), image_token_id=image_token, vision_feature_layer=-1
    )
    torch.manual_seed(0)
    model = LlavaForConditionalGeneration(config)
    _teach(model.model.language_model, [([5, 6, 7], tokenizer(answer).input_ids)], steps, model.lm_head)
    images = CLIPImageProcessorPil(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28})
    processor = LlavaProcessor(
        image_processor=images,
        tokenizer=tokenizer,
        patch_size=14,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
    )
    return _saved(folder, model, processor)


def captioner(folder: Path, answers: dict[tuple[int, int, int], str]) -> Path:
    """Save a small BLIP, as its captioners are published, that was taught to say these words of pictures of these colours, and its
    processor."""
    tokenizer = _word_tokenizer(" ".join(answers.values()).split())
    text = {"vocab_size": len(tokenizer), "bos_token_id": 1, "eos_token_id": 2, "sep_token_id": 2, "pad_token_id": 0}
    small = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    vision = small | {"image_size": 16, "patch_size": 8}
    torch.manual_seed(0)
    model = BlipForConditionalGeneration(
        BlipConfig(text_config=text | small | {"encoder_hidden_size": 32}, vision_config=vision)
    )
    processor = BlipProcessor(BlipImageProcessorPil(size={"height": 16, "width": 16}), tokenizer)
    pictures = [Image.new("RGB", (16, 16), color) for color in answers]
    asked = processor(images=pictures, text=list(answers.values()), return_tensors="pt", padding=True)
    labels = asked["input_ids"].masked_fill(asked["attention_mask"] == 0, -100)
    learner = torch.optim.AdamW(model.parameters(), 1e-2)
    for _ in range(600):
        logits = model(**asked, labels=labels).logits[:, :-1]
        loss = functional.cross_entropy(logits.flatten(0, 1), labels[:, 1:].flatten())
        if loss < KNOWN:
            return _saved(folder, model.eval(), processor)
        loss.backward()
        learner.step()
        learner.zero_grad()
    raise AssertionError(f"not learnt: the loss is still {loss:.3f}")


def _word_tokenizer(words: list[str]) -> BertTokenizer:
    names = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]", *dict.fromkeys(words)]
    return BertTokenizer({name: at for at, name in enumerate(names)})


def _saved(folder: Path, model: Any, processor: Any) -> Path:
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def _llama(size: int) -> LlamaConfig:
    torch.manual_seed(0)
    return LlamaConfig(
        vocab_size=size,
        hidden_size=48,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=4096,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )


def _teach(model: Any, answers: list[tuple[list[int], list[int]]], steps: int, head: Any = None) -> None:
    """Teach, for each pair of tokens, the second and then the end, following the first."""
    longest = max(len(before) + len(after) for before, after in answers) + 1
    tokens = torch.ones(len(answers), longest, dtype=torch.long)
    wanted = torch.full_like(tokens, -100)
    for row, (before, after) in enumerate(answers):
        end = len(before) + len(after)
        tokens[row, :end] = torch.tensor([*before, *after])
        wanted[row, len(before) : end + 1] = tokens[row, len(before) : end + 1]
    learner = torch.optim.AdamW([*model.parameters(), *(head.parameters() if head is not None else [])], 1e-2)
    for _ in range(steps):
        if head is None:
            logits = model(tokens[:, :-1]).logits
        else:
            logits = head(model(inputs_embeds=model.get_input_embeddings()(tokens[:, :-1])).last_hidden_state)
        loss = functional.cross_entropy(logits.flatten(0, 1), wanted[:, 1:].flatten())
        if loss < KNOWN:
            return
        loss.backward()
        learner.step()
        learner.zero_grad()
    assert not steps, f"not learnt in {steps} steps: the loss is still {loss:.3f}"
