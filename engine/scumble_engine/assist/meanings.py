"""A clause and what the picture shows -> a prompt pair: what each act means to whoever knows the model's words."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from scumble_protocol.errors import RequestError
from scumble_protocol.messages import PromptPair
from scumble_protocol.wording import said

from .clauses import DEGREES, OPPOSITES, SOME, WHOLE, Clause
from .grounds import ground_in, ground_of
from .phrases import PEOPLE, Phrase, color_of, describe, find_phrase, qualified, read_phrase, said_in
from .vocabulary import Vocabulary, with_article

BACKGROUND = re.compile(r"(?:the )?(?:background|backdrop|ground)(?: color)?")
NOUN_STYLES = re.compile(
    r"(?:painting|sketch|photo|drawing|cartoon|watercolor|comic|engraving|mosaic|collage|pencil|manga|anime)$"
)
# A word that ends so describes; these do although they end otherwise.
DESCRIBES = re.compile(r".*(?:y|ed|en|er|ing|ful|ous|less|ish|ic|al|ive|ant|ent|ble|like|est|an|ese|ary|wn)")
PLAIN = frozenset(
    re.findall(
        r"[\w-]+",
        "big small wide fat thin slim short tall long old young new wet bald blonde blond round square flat "
        "sharp smooth rough soft hard open closed thick transparent calm sad cute strong weak bare full loose "
        "tight rich poor clean fresh ripe bold giant huge tiny straight neat odd lit warm cool dark light "
        "pale bright deep",
    )
)
POSES = frozenset(
    re.findall(
        r"[\w-]+",
        "sit stand lie sleep smile laugh cry frown run jump walk dance fly look wave swim sing kneel lean bow "
        "blink wink yawn shout scream point crouch rest read eat drink play kiss hug bark roar float fall "
        "climb hold crawl turn",
    )
)


@dataclass(frozen=True)
class Heard:
    """A pair, and whether it is surely what was meant."""

    pair: PromptPair
    sure: bool = True


@dataclass(frozen=True)
class Shown:
    """What the picture shows: `said` in words ("" = unknown); `pointed`: whether the painter selected what is meant."""

    words: Vocabulary
    said: str = ""
    pointed: bool = False

    @property
    def source(self) -> str:
        return self.said or ("a picture" if self.words.open else "a drawing")

    def main(self) -> Phrase | None:
        """Return what "it" is: what the picture is mainly of, or what lies in the selection."""
        if not self.words.open:
            return find_phrase(self.said, self.words)
        ground = ground_in(self.said, self.words)
        main = read_phrase(self.said.removesuffix(ground).strip() or "a picture", self.words)
        return replace(main, tail="") if main is not None else None

    def thing(self, text: str) -> Phrase:
        """Read what is there. Raises RequestError for what the model does not know."""
        main = self.main()
        if text in PEOPLE and main is not None and self.said:
            return main
        return known(text, self.words)

    def before(self, thing: Phrase) -> tuple[str, str]:
        """Return the words that say the picture with a thing surely in it, and those that say the thing there."""
        found = said_in(self.said, thing, self.words)
        if found:
            return self.said, found
        named = describe(thing)
        return (self.joined(thing) if self.said else named), named

    def joined(self, new: Phrase) -> str:
        """Say the picture with one thing more, before its ground."""
        ground = ground_in(self.said, self.words)
        rest = self.source.removesuffix(ground).strip()
        joint = "with" if self.words.open else "and" if find_phrase(rest, self.words) else "of"
        if joint == "with" and " with " in rest:
            joint = "and"
        return f"{rest} {joint} {describe(new)} {ground}".strip()

    def without(self, thing: Phrase) -> str:
        """Say the picture without a thing; a plain ground when too little is left to say."""
        found = said_in(self.said, thing, self.words)
        left = self.said.replace(found, " ", 1) if found else ""
        left = re.sub(r"\s+", " ", left).strip(" ,")
        left = re.sub(
            r"^(?:and|with)\b|\b(?:and|with|wearing|holding)$|\b(?:and|with|wearing|holding) (?=on |in |at |over |and |,)",
            " ",
            left,
        )
        left = re.sub(r"\s+", " ", left).strip(" ,")
        if find_phrase(left, self.words) or (self.words.open and re.match(rf"{SOME} ", left)):
            return left
        ground = re.search(r"\b(?:on|in|at|over|under) .+$", left)
        if ground and (self.words.open or self.words.ground(ground[0])):
            return f"{'a picture' if self.words.open else 'a drawing'} {ground[0].strip()}"
        return "a plain background"


Meaning = Callable[[Clause, Shown], Heard | None]


def meaning_of(clause: Clause, shown: Shown) -> Heard | None:
    """Return what a clause means, or None where it makes no sense. Raises RequestError for words that the model does not know."""
    return ACTS[clause.act](clause, shown)


def _remove(clause: Clause, shown: Shown) -> Heard | None:
    if BACKGROUND.fullmatch(clause.thing):
        return _on_ground("on a plain white background", shown)
    thing = shown.thing(clause.thing)
    pair = PromptPair(shown.said or describe(thing), shown.without(thing), (thing.noun,), (), "remove")
    return Heard(pair, not re.search(r"\b(?:except|but)\b", clause.thing))


def _replace(clause: Clause, shown: Shown) -> Heard | None:
    if color_of(clause.state, shown.words):
        return _make(clause, shown)
    return _exchanged(shown.thing(clause.thing), known(clause.state, shown.words), shown)


def _exchanged(old: Phrase, new: Phrase, shown: Shown, kind: str = "replace") -> Heard:
    source, there = shown.before(old)
    return Heard(PromptPair(source, source.replace(there, describe(new), 1), (new.noun,), (), kind))


def _add(clause: Clause, shown: Shown) -> Heard | None:
    if shown.words.color(clause.state):
        return None
    words, new = shown.words, known(clause.state, shown.words)
    if not clause.thing or re.fullmatch(WHOLE, clause.thing):
        main = None if words.open else find_phrase(shown.said, words)
        return _added(shown.source, shown.joined(new), new, main)
    beside = shown.thing(clause.thing) if words.open else read_phrase(clause.thing, words)
    if beside is None or not beside.noun:
        return _added(shown.source, shown.joined(new), new, None)
    if not words.open:
        return _taught_add(new, beside, clause.link, shown)
    source, there = shown.before(beside)
    joint = {"cover": "covered with", "decorate": "decorated with"}.get(clause.link, "with")
    return _added(source, source.replace(there, f"{there} {joint} {describe(new)}", 1), new, beside)


def _taught_add(new: Phrase, beside: Phrase, link: str, shown: Shown) -> Heard:
    """Add in the relations that the illustrator was taught."""
    before = shown.said or describe(beside)
    joint = {"over": "above", "under": "below", "beside": "next to", "near": "next to"}.get(link, link)
    joint = f"to the {joint}" if joint in ("left of", "right of") else joint
    if joint in ("to the left of", "to the right of", "above", "below", "next to") and not shown.said:
        return _added(before, f"{describe(new)} {joint} {before}", new, beside)
    return _added(before, replace(shown, said=before).joined(new), new, beside)


def _added(source: str, target: str, new: Phrase, beside: Phrase | None) -> Heard:
    keep = (beside.noun,) if beside is not None and beside.noun else ()
    return Heard(PromptPair(source, target, (new.noun,), keep, "add"))


def _put(clause: Clause, shown: Shown) -> Heard | None:
    """Put what is there elsewhere: that is another ground for it, or for words that name no ground, a matter for the hand."""
    place = ground_of(clause.state, shown.words)
    if place:
        main = None if re.fullmatch(WHOLE, clause.thing) else read_phrase(clause.thing, shown.words)
        return _on_ground(place, shown, main)
    if shown.words.open and re.search(
        r"\b(?:left|right|up|down|top|bottom|corner|middle|center|closer|away)\b", clause.state
    ):
        raise RequestError("Words can't say exactly where to; drag it there.", "drag-instead")
    match = re.match(r"(?P<link>[a-z ]*?(?:on|onto|in|into|over|around|to|at)) (?P<thing>.+)", clause.state)
    return _add(Clause("add", match["thing"], clause.thing, match["link"]), shown) if match else None


def _on_ground(place: str, shown: Shown, thing: Phrase | None = None) -> Heard:
    main = thing if thing is not None and thing.noun else shown.main() if shown.said else None
    body = shown.said or (describe(main) if main is not None else shown.source)
    keep = (main.noun,) if main is not None and main.noun else ()
    ground = ground_in(shown.said, shown.words)
    target = body.replace(ground, place) if ground else f"{body} {place}"
    return Heard(PromptPair(body, target, (), keep, "background"))


def _make(clause: Clause, shown: Shown) -> Heard | None:
    if BACKGROUND.fullmatch(clause.thing):
        return _make_ground(clause.state, shown)
    hour = (
        clause.link in ("into", "to") and ground_of(clause.thing, shown.words) and ground_of(clause.state, shown.words)
    )
    whole = re.fullmatch(WHOLE, clause.thing) or hour  # "turn day into night"
    heard = _make_all(clause, shown) if whole else _make_thing(clause, shown)
    # "the table wood and the chair" may be two changes in one sentence.
    return replace(heard, sure=heard.sure and " and " not in clause.thing) if heard is not None else None


def _make_ground(state: str, shown: Shown) -> Heard | None:
    words, bare = shown.words, re.sub(r"^(?:the|be|of) ", "", state)
    if not words.open:
        place = words.ground(bare)
        if place is None:
            raise unknown(bare, words)
        return _on_ground(place, shown)
    if re.match(rf"{SOME} ", bare) or ground_of(bare, words):
        return _on_ground(ground_of(bare, words) or f"on {bare}", shown)
    quality = color_of(bare, words) or bare
    return _on_ground(f"on {with_article(quality)} background", shown, None)


def _make_all(clause: Clause, shown: Shown) -> Heard | None:
    """Make all of the picture something: in another style, place, hour, or what "it" is another thing or colour."""
    words, state = shown.words, clause.state
    style, place, color = words.style(state), ground_of(state, words), color_of(state, words)
    if color and not style:
        main = shown.main()
        if main is None:
            raise RequestError(
                "Say what should change colour by name, such as: make the apple green.", "bad-instruction"
            )
        everything = clause.thing == "everything"
        return replace(
            _recolor(main, color, shown), sure=bool(shown.said or shown.pointed or everything or not words.open)
        )
    if style or (clause.link in ("like", "look like", "to look like") and words.open):
        return Heard(PromptPair(shown.source, _styled(shown, style or f"{state} style"), (), (), "style"))
    if place:
        return _on_ground(place, shown)
    if re.match(rf"{SOME} ", state) or clause.link in ("into", "to"):
        main = shown.main()
        return None if main is None else _exchanged(main, known(state, words), shown)
    return _whole_quality(state, shown) if words.open else None


def _whole_quality(state: str, shown: Shown) -> Heard:
    source = shown.source
    target = f"{source}, {state}" if shown.said else qualified(source, state, shown.words)
    return Heard(PromptPair(source, target, (), (), "style"), _describes(state))


def _make_thing(clause: Clause, shown: Shown) -> Heard | None:
    words, state = shown.words, clause.state
    color = color_of(state, words)
    if clause.link in ("in", "with", "by", "for") and not color:
        return None
    if not words.open and not color and not re.match(rf"{SOME} ", state) and clause.link not in ("into", "to", "to be"):
        raise _no_color(state, words)
    thing = shown.thing(clause.thing)
    if color:
        return _recolor(thing, color, shown)
    material = re.match(r"(?:be )?made|out|of", clause.link)
    if material:
        return _exchanged(thing, replace(thing, noun=f"{state} {thing.noun}"), shown, "rename")
    if re.match(rf"{SOME} ", state) or (clause.link and not _describes(state)):
        return _exchanged(thing, known(state, words), shown)
    if state.split()[0] in POSES:
        return _after(thing, " ".join((_doing(state.split()[0]), *state.split()[1:])), shown, "pose")
    return replace(_before(thing, state, shown, "rename"), sure=_describes(state))


def _recolor(thing: Phrase, color: str, shown: Shown) -> Heard:
    return _before(thing, color, shown, "recolor")


def _before(thing: Phrase, quality: str, shown: Shown, kind: str) -> Heard:
    source, there = shown.before(thing)
    target = source.replace(there, qualified(there, quality, shown.words, kind == "recolor"), 1)
    return Heard(PromptPair(source, target, (thing.noun,), (), kind))


def _after(thing: Phrase, doing: str, shown: Shown, kind: str) -> Heard:
    source, there = shown.before(thing)
    return Heard(PromptPair(source, source.replace(there, f"{there} {doing}", 1), (thing.noun,), (), kind))


def _turn(clause: Clause, shown: Shown) -> Heard | None:
    return (
        _after(known(clause.thing, shown.words), f"turned {clause.state}", shown, "rename")
        if shown.words.open
        else None
    )


def _too(clause: Clause, shown: Shown) -> Heard | None:
    return (
        _make(Clause("make", clause.thing, OPPOSITES.get(clause.state, f"less {clause.state}")), shown)
        if shown.words.open
        else None
    )


def _show(clause: Clause, shown: Shown) -> Heard | None:
    """Words without a verb: a style, a place, or a background; else they may be all that the picture should show."""
    words, state = shown.words, clause.state
    match = re.fullmatch(
        r"(?:in|as|use|with|give (?:it|the picture)|add)?\s*(?:the )?(?:style of )?(?P<said>.+?)"
        r"(?: (?P<what>style|look|background|backdrop))?",
        state,
    )
    bare = match["said"] if match else state
    if match and match["what"] in ("background", "backdrop"):
        return _make_ground(bare, shown)
    style = words.style(bare) or (bare if words.open and match and "style" in state else "")
    if style and (len(bare.split()) <= 4 or "style" in state):
        manner = style if words.style(bare) else f"{style} style"
        return Heard(PromptPair(shown.source, _styled(shown, manner), (), (), "style"))
    place = ground_of(state, words) if words.open else ""
    return _on_ground(place, shown) if place else None


def _styled(shown: Shown, style: str) -> str:
    """Say the picture in another style."""
    told = shown.words.style(shown.said)
    if told and f" {told} " in shown.said:
        return shown.said.replace(f" {told} ", f" {style} ", 1)
    if style.endswith(" style"):
        return f"{shown.source} in the style of {style.removesuffix(' style')}"
    body = (
        style
        if NOUN_STYLES.search(style) and shown.words.open
        else f"{style} {'picture' if shown.words.open else 'drawing'}"
    )
    return f"{with_article(body)} of {shown.said}" if shown.said else with_article(body)


def _describes(state: str) -> bool:
    """Whether words surely say a quality: so do what ends like one, and degrees of anything."""
    words = [word for word in state.split() if word not in DEGREES]
    return not words or (len(words) <= 2 and all(word in PLAIN or DESCRIBES.fullmatch(word) for word in words))


def _doing(verb: str) -> str:
    """sit -> sitting, smile -> smiling, lie -> lying."""
    if verb.endswith("ie"):
        return f"{verb[:-2]}ying"
    if verb.endswith("e"):
        return f"{verb[:-1]}ing"
    return f"{verb}{verb[-1] if re.fullmatch(r'[^aeiou]*[aeiou][^aeiouwxy]', verb) else ''}ing"


def known(text: str, words: Vocabulary) -> Phrase:
    """Read a thing. Raises RequestError for one that the model does not know."""
    phrase = read_phrase(text, words)
    if phrase is None or not phrase.noun:
        raise unknown(" ".join(re.sub(r"^(?:the|a|an|some|all|my) ", "", text).split()[-3:]) or text, words)
    return phrase


def unknown(text: str, vocabulary: Vocabulary) -> RequestError:
    """Name what the model does not know, with near words that it does."""
    near = vocabulary.near(text) or vocabulary.near(text.split()[-1])
    some = near or tuple(thing.name for thing in vocabulary.things[:: max(1, len(vocabulary.things) // 6)])
    advice = (
        f"near words that it knows: {', '.join(near)}"
        if near
        else f"it knows {', '.join(some)} and others, or take another --model"
    )
    return RequestError(
        said("The model does not know {words}; {advice}.", words=f"{text!r}", advice=advice), "unknown-word"
    )


def _no_color(word: str, words: Vocabulary) -> RequestError:
    return RequestError(
        said(
            "{word} is no colour that the model knows ({list}); to move or resize things, drag points.",
            word=f"{word!r}",
            list=", ".join(words.colors),
        ),
        "unknown-word",
    )


ACTS: dict[str, Meaning] = {
    "remove": _remove,
    "replace": _replace,
    "add": _add,
    "put": _put,
    "make": _make,
    "turn": _turn,
    "too": _too,
    "show": _show,
}
