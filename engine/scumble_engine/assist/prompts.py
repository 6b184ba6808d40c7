"""An instruction in the painter's words -> a prompt pair, by rules over the words that the model knows.

"make the apple green" -> source "an apple", target "a green apple", blend (apple), kind recolor. What the rules can't read
is refused with a sentence that asks for the two prompts; reader.py asks a language model first, where there is one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from scumble_protocol.errors import RequestError
from scumble_protocol.messages import PromptPair
from scumble_protocol.wording import said

from .pairs import ground_in, with_kind
from .phrases import Phrase, describe, find_phrase, read_phrase
from .vocabulary import Vocabulary

MAX_CHARACTERS = 400
POLITE = re.compile(
    r"^(?:please |can you |could you |would you |kindly |i want you to |i want to |i would like to |i'd like to |let's |lets |just |now )+"
)


def read_instruction(instruction: str, vocabulary: Vocabulary, picture_words: str = "") -> PromptPair:
    """Read one instruction. `picture_words` say what the picture shows, if known ("a red apple on grass").

    Raises RequestError: unknown words are named with near ones that the model knows; what no rule reads asks for --from and --to.
    """
    text = _normal(instruction)
    for rule in RULES:
        pair = rule(text, vocabulary, _normal(picture_words) if picture_words else "")
        if pair is not None:
            return pair
    raise _unreadable(instruction, text, vocabulary)


def shown_already(instruction: str, vocabulary: Vocabulary) -> Phrase | None:
    """Return the thing that an instruction says is in the picture ("add a star" says none), or None."""
    try:
        said = read_instruction(instruction, vocabulary).source
    except RequestError:
        said = _normal(instruction)
    return find_phrase(said, vocabulary)


def check_pair(pair: PromptPair, vocabulary: Vocabulary) -> PromptPair:
    """Return a painter's own pair with its kind and blend words filled in. Raises RequestError for words that the model does not know."""
    for prompt in (pair.source, pair.target):
        _check_words(prompt, vocabulary)
    if not pair.target.strip() and not pair.source.strip():
        raise RequestError("Both prompts are empty; say what the picture shows and what it should show.", "bad-prompt")
    return pair if pair.kind else with_kind(pair, vocabulary)


def _normal(text: str) -> str:
    if len(text) > MAX_CHARACTERS:
        raise RequestError(
            said("The instruction has {count} characters; say one change in a sentence.", count=len(text)),
            "prompt-too-long",
        )
    text = re.sub(r"[^\w\s',-]", " ", text.lower().replace("colour", "color").replace("’", "'")).strip()
    return POLITE.sub("", re.sub(r"[\s,]+", " ", text)).strip()


def _unreadable(instruction: str, text: str, vocabulary: Vocabulary) -> RequestError:
    if not text:
        return RequestError(
            "The instruction is empty; say what to change, such as: make the apple green.", "bad-instruction"
        )
    return RequestError(
        said(
            "The instruction {words} could not be read; say it like 'make the apple green', 'replace the "
            "cat with a dog' or 'add a hat', or give both prompts (--from and --to).",
            words=f"{instruction.strip()[:80]!r}",
        ),
        "bad-instruction",
    )


def _check_words(prompt: str, vocabulary: Vocabulary) -> None:
    for word in re.findall(r"[a-z0-9']+", prompt.lower()):
        if not vocabulary.knows(word):
            raise unknown(word, vocabulary)


def unknown(words: str, vocabulary: Vocabulary) -> RequestError:
    """Name what the model does not know, with near words that it does."""
    near = vocabulary.near(words) or vocabulary.near(words.split()[-1])
    some = near or tuple(thing.name for thing in vocabulary.things[:: max(1, len(vocabulary.things) // 6)])
    advice = (
        f"near words that it knows: {', '.join(near)}"
        if near
        else f"it knows {', '.join(some)} and others, or take another --model"
    )
    return RequestError(
        said("The model does not know {words}; {advice}.", words=f"{words!r}", advice=advice), "unknown-word"
    )


# ---- the rules, in the order in which they are tried ----------------------------------------------------------------

VERB_CHANGE = r"(?:change|turn|transform|convert|make|switch|set)"
PICTURE = r"(?:it|this|everything|the (?:picture|image|drawing|illustration|painting|whole (?:thing|picture)|scene))"
Rule = Callable[[str, Vocabulary, str], PromptPair | None]


def _background(text: str, words: Vocabulary, picture: str) -> PromptPair | None:
    """ "change the background to blue", "put it on the beach", "make it night", "a starry background"."""
    ways = (
        r"(?:change|set|switch|turn|make|replace|swap|paint|color) the (?:background|backdrop|ground)(?: color)?"
        r"(?: to| into| with| by| for| in)?(?: be)? (?P<place>.+)",
        r"(?:put|place|move|show|set) (?P<x>.+?) (?P<place>(?:on|in|at|under|before|over) .+)",
        rf"{VERB_CHANGE} {PICTURE} (?:be |to |into )?(?P<place>.+)",
        r"(?:give (?:it|the picture) |use |with |add )?(?P<place>.+) (?:background|backdrop)",
    )
    for number, way in enumerate(ways):
        match = re.fullmatch(way, text)
        said = _bare(match["place"]) if match else ""
        place = words.ground(said) if said else None
        if match and not place and number in (0, 3):
            raise unknown(said, words)
        # A bare colour, and in an open vocabulary anything at all, is a ground only where the background is named.
        if place and not (number in (1, 2) and (words.open or words.color(said))):
            thing = read_phrase(match["x"], words) if match and number == 1 else None
            return _on_ground(place, thing, words, picture)
    return None


def _on_ground(place: str, thing: Phrase | None, words: Vocabulary, picture: str) -> PromptPair:
    main = thing if thing is not None and thing.noun else find_phrase(picture, words)
    body = describe(main) if main is not None else "a drawing"
    keep = (main.noun,) if main is not None else ()
    ground = ground_in(picture, words)
    target = picture.replace(ground, place) if ground else f"{picture or body} {place}"
    return PromptPair(picture or body, target, (), keep, "background")


def _style(text: str, words: Vocabulary, picture: str) -> PromptPair | None:
    """ "make it a cartoon", "turn this into a 3d drawing", "in flat style", "cartoon style"."""
    ways = (
        rf"(?:{VERB_CHANGE}|redraw|render|draw|repaint|paint|show) {PICTURE}(?: look)?(?: like| as| into| in| to)? (?P<style>.+)",
        rf"{VERB_CHANGE} the style(?: of .+?)? (?:to|into) (?P<style>.+)",
        r"(?:redraw|render|draw|repaint|paint|show) the .+? (?:in|as) (?P<style>.+)",
        r"(?:in |as |use )?(?:a |an |the )?(?P<style>.+?) (?:style|drawing|look)",
    )
    for way in ways:
        match = re.fullmatch(way, text)
        style = match and words.style(match["style"])
        if style:
            return PromptPair(picture or "a drawing", _styled(picture, style, words), (), (), "style")
    return None


def _styled(picture: str, style: str, words: Vocabulary) -> str:
    """Say the picture in another style."""
    said = words.style(picture)
    if said and f" {said} " in picture:
        return picture.replace(f" {said} ", f" {style} ", 1)
    return f"a {style} drawing of {picture}" if picture else f"a {style} drawing"


def _remove(text: str, words: Vocabulary, picture: str) -> PromptPair | None:
    match = re.fullmatch(
        r"(?:remove|delete|erase|take away|take out|get rid of|drop|hide|clear|lose) (?P<x>.+?)(?: from .+)?", text
    )
    if not match:
        return None
    thing = _known(match["x"], words)
    left = _without(picture, thing, words)
    return PromptPair(picture or describe(thing), left or "a plain background", (thing.noun,), (), "remove")


def _replace(text: str, words: Vocabulary, picture: str) -> PromptPair | None:
    ways = (
        r"(?:replace|swap|exchange|substitute|switch) (?P<x>.+?) (?:with|by|for) (?P<y>.+)",
        r"(?:change|turn|transform|convert|make) (?P<x>.+?) (?:into|to) (?:be )?(?P<y>.+)",
        r"(?:make|let) (?P<x>.+?) (?:be )?(?P<y>(?:a|an|some|two|three) .+)",
        r"(?P<y>.+?) instead of (?P<x>.+)",
    )
    for way in ways:
        match = re.fullmatch(way, text)
        if match and not words.color(_bare(match["y"])) and "color" not in match["x"]:
            old, new = _known(match["x"], words), _known(match["y"], words)
            source = picture or describe(old)
            target = _swapped(picture, old, new, words)
            return PromptPair(source, target, (new.noun,), (), "replace")
    return None


def _recolor(text: str, words: Vocabulary, picture: str) -> PromptPair | None:
    ways = (
        r"(?:change|set|switch|turn) the color of (?P<x>.+?) (?:to|into) (?P<color>.+)",
        r"(?:change|set|switch|turn) (?P<x>.+?)(?:'s)? color (?:to|into) (?P<color>.+)",
        r"(?:make|turn|paint|color|dye|recolor|tint|change|let|set|have) (?P<x>.+?) (?:to |into |in |be )?(?P<color>[\w-]+)",
        r"(?P<x>.+?) (?:should|must|shall) be (?P<color>[\w-]+)",
        r"(?P<color>[\w-]+) instead of (?P<x>.+)",
    )
    for way in ways:
        match = re.fullmatch(way, text)
        if match is None:
            continue
        color = words.color(_bare(match["color"]))
        if color is None and text.startswith("paint "):
            return None  # "paint a hat" adds one
        thing = _known(match["x"], words) if match["x"] not in ("it", "this") else _main(picture, words)
        if color is None:
            raise _no_color(match["color"], words)
        target = replace(thing, color=color)
        return PromptPair(
            picture or describe(thing), _swapped(picture, thing, target, words), (thing.noun,), (), "recolor"
        )
    return None


def _no_color(word: str, words: Vocabulary) -> RequestError:
    return RequestError(
        said(
            "{word} is no colour that the model knows ({list}); to move or resize things, drag points.",
            word=f"{word!r}",
            list=", ".join(words.colors),
        ),
        "unknown-word",
    )


ADD_WAYS = (
    r"(?:give|hand) (?P<x>.+?) (?P<y>(?:a|an|some|two|three) .+)",
    r"(?:add|put|draw|place|paint|insert|include) (?P<y>.+?)(?P<relation> (?:on|to|next to|beside|near|left of|right of|to the left of|"
    r"to the right of|above|below|over|under|in front of|behind|into|in) (?P<x>.+))?",
)


def _add(text: str, words: Vocabulary, picture: str) -> PromptPair | None:
    match = _add_match(text)
    return _added(match, words, picture) if match else None


def _add_match(text: str) -> re.Match[str] | None:
    return next((match for way in ADD_WAYS if (match := re.fullmatch(way, text))), None)


def _added(match: re.Match[str], words: Vocabulary, picture: str) -> PromptPair:
    new = _known(match["y"], words)
    beside = match.groupdict().get("x") or ""
    known = read_phrase(beside, words) if beside and not re.fullmatch(PICTURE, beside) else find_phrase(picture, words)
    before = picture or (describe(known) if known is not None and known.noun else "a drawing")
    joint = _relation(match.groupdict().get("relation") or "", beside)
    target = f"{describe(new)} {joint} {before}" if joint and not picture else _joined(before, new, words)
    return PromptPair(before, target, (new.noun,), (known.noun,) if known is not None and known.noun else (), "add")


def _joined(picture: str, new: Phrase, words: Vocabulary) -> str:
    """Say the picture with one thing more, before its ground."""
    ground = ground_in(picture, words)
    rest = picture.removesuffix(ground).strip()
    both = f"{rest} {'and' if find_phrase(rest, words) or words.open else 'of'} {describe(new)}"
    return f"{both} {ground}".strip()


def _relation(relation: str, beside: str) -> str:
    """Return a spatial relation that the model was taught, or nothing."""
    words = relation.removesuffix(beside).strip()
    table = {
        "left of": "to the left of",
        "right of": "to the right of",
        "over": "above",
        "under": "below",
        "beside": "next to",
        "near": "next to",
    }
    words = table.get(words, words)
    return words if words in ("to the left of", "to the right of", "above", "below", "next to") else ""


def _known(text: str, words: Vocabulary) -> Phrase:
    phrase = read_phrase(text, words)
    if phrase is None or not phrase.noun:
        raise unknown(" ".join(_bare(text).split()[-3:]) or text, words)
    return phrase


def _main(picture: str, words: Vocabulary) -> Phrase:
    found = find_phrase(picture, words)
    if found is None:
        raise RequestError("Say what should change colour by name, such as: make the apple green.", "bad-instruction")
    return found


def _bare(text: str) -> str:
    return re.sub(r"^(?:the|a|an|some|all|my|be|more) ", "", text.strip())


def _said_in(picture: str, thing: Phrase, words: Vocabulary) -> str:
    """Return the words by which the picture's description names a thing ("a red apple"), or nothing."""
    tokens = picture.split()
    spans = [(start, end) for start in range(len(tokens)) for end in range(len(tokens), start, -1)]
    for start, end in spans:
        said = " ".join(tokens[start:end])
        phrase = read_phrase(said, words)
        if phrase is not None and phrase.noun == thing.noun:
            return said
    return ""


def _swapped(picture: str, old: Phrase, new: Phrase, words: Vocabulary) -> str:
    """Say the picture with `new` in the place of `old`, or just `new` where nothing is known of the picture."""
    said = _said_in(picture, old, words)
    return picture.replace(said, describe(new), 1) if said else describe(new)


def _without(picture: str, thing: Phrase, words: Vocabulary) -> str:
    """Say the picture without a thing; nothing when too little is left to say."""
    said = _said_in(picture, thing, words)
    left = picture.replace(said, " ", 1) if said else ""
    left = re.sub(r"^and\b|\band$|\band (?=on |in |at |over )", " ", re.sub(r"\s+", " ", left).strip(" ,"))
    if find_phrase(left, words):
        return left.strip()
    ground = re.search(r"\b(?:on|in|at|over|under) .+$", left)
    return f"a drawing {ground[0].strip()}" if ground and words.ground(ground[0]) else ""


RULES: tuple[Rule, ...] = (_background, _style, _remove, _replace, _recolor, _add)


def read_subject(text: str, vocabulary: Vocabulary) -> str:
    """Read what strokes show: a bare noun phrase ("a red hat"), or an instruction, of which the new thing is taken.

    Raises RequestError for words that the model does not know.
    """
    phrase = new_thing(text, vocabulary)
    return read_instruction(text, vocabulary).target if phrase is None else describe(phrase)


def new_thing(text: str, vocabulary: Vocabulary) -> Phrase | None:
    """Return the thing that is to come, of an instruction to add one or of a bare noun phrase; None where what is there changes.

    Raises RequestError for words that the model does not know.
    """
    said = _normal(text)
    match = _add_match(said)
    if match is not None:
        return _known(match["y"], vocabulary)
    phrase = read_phrase(said, vocabulary)
    changes = re.match(rf"{VERB_CHANGE}|replace|remove", said)
    if phrase is not None and phrase.noun and not (vocabulary.open and changes):
        return phrase
    if phrase is not None and len(said.split()) <= 3 and not vocabulary.open and not re.match(VERB_CHANGE, said):
        raise unknown(_bare(said), vocabulary)
    return None
