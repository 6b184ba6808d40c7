"""An English sentence about a picture -> clauses: what is done, to what, and what comes of it. Syntax alone; knows no model's words.

A sentence often parts in several ways ("make the flowers in the vase yellow"); they come in the order of how likely they are,
and who knows what the words mean takes the first that makes sense.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .vocabulary import ARTICLES

SOME = r"(?:a|an|some|another|two|three|four|2|3|4)"
MORE = rf"(?:{SOME}|more)"
WHOLE = (
    r"(?:it|this|that|everything|(?:(?:the|this) )?(?:whole |entire )?(?:picture|image|drawing|illustration|painting|photo|photograph"
    r"|scene|thing|canvas|season|weather|time of day|time|lighting|mood|style)(?: of .+)?)"
)
MAKE = (
    r"(?:make|turn|change|transform|convert|switch|set|paint|color|recolor|dye|tint|let|have|get|render|redraw|repaint|draw|show"
    r"|alter|give)"
)
RELATION = (
    r"(?:on top of|next to|beside|near|to the left of|to the right of|left of|right of|in front of|behind|above|below|over|under"
    r"|onto|on|into|inside|in|around|at|against|before|to)"
)
# The words between a thing and what it becomes; "in", "as" and "with" may also be part of either.
LINK = r"(?:to look like|look like|to be|should be|made (?:out )?of|out of|into|to|like|as|look|be|in|with|by|for)"
KNOWN = r"(?:(?:the|it|this|that|these|those|my|his|her|their|its|him|them|everything)\b)"
REMOVE = r"(?:remove|delete|erase|eliminate|take (?:away|out|off)|get rid of|cut out|clean up|drop|hide|clear|lose)"
WEAR = r"(?:wear|wearing|hold|holding|have|carry)"
WISH = (
    r"(?:there (?:should|must|could) be|let there be|there (?:is|are)|have"
    r"|(?:i(?: want|'d like| would like)|(?:can|could) (?:we|i|you))(?: to)?(?: (?:see|have|get|add))?)"
)

# What a verb makes of its object.
RESULTS: dict[str, str] = dict(
    re.findall(
        r"(\w+): ([\w ]+)",
        "blur: blurred, brighten: brighter, lighten: lighter, darken: darker, sharpen: sharper, enlarge: bigger, "
        "shrink: smaller, open: open, close: closed, straighten: straight, curl: curly, lengthen: longer, "
        "shorten: shorter, smooth: smooth, age: older, widen: wider, freeze: frozen, light: lit, soften: softer, "
        "colorize: colorful, break: broken",
    )
)
OPPOSITES: dict[str, str] = dict(
    re.findall(
        r"(\w+): ([\w ]+)",
        "dark: brighter, bright: darker, light: darker, big: smaller, large: smaller, small: bigger, long: shorter, "
        "short: longer, thin: thicker, thick: thinner, old: younger, young: older, pale: more colorful, "
        "dull: more colorful, blurry: sharper, empty: fuller",
    )
)

FORMS: tuple[tuple[str, str], ...] = (
    ("replace", r"(?:replace|swap|exchange|substitute|switch|trade)(?: out)? (?P<thing>.+?) (?:with|by|for) (?P<state>.+)"),
    ("replace", r"(?P<state>.+?) (?:instead of|rather than|in place of) (?P<thing>.+)"),
    ("remove", rf"{REMOVE} (?P<thing>.+?)(?: from .+)?"),
    ("remove", r"(?:take|cut|crop|wipe|clean) (?P<thing>.+?) (?:off|out|away)(?: (?:of|from) .+)?"),
    ("remove", r"(?:no|no more|without|i do not want|i don't want) (?:any )?(?P<thing>.+)"),
    ("add", r"(?:give|hand|lend) (?P<thing>him|her|them|it|everyone) (?P<state>.+)"),
    ("add", rf"(?:give|hand|lend) (?P<thing>.+?) (?P<state>{MORE} .+)"),
    ("add", r"(?P<link>cover|fill|decorate|surround|top|sprinkle) (?P<thing>.+?) (?:with|in|by) (?P<state>.+)"),
    ("add", rf"(?:{MAKE} )?(?P<thing>{KNOWN} ?.*?) (?:should |to )?{WEAR} (?P<state>.+)"),
    ("add", rf"{WISH} (?P<state>{MORE} .+?)(?: (?P<link>{RELATION}) (?P<thing>.+))?"),
    ("add", rf"(?:paint|draw|put|place|hang|stick|plant|set) (?!{KNOWN})(?P<state>.+?)(?: (?P<link>{RELATION}) (?P<thing>.+))?"),
    ("add", rf"(?:add|insert|include|throw in) (?P<state>.+?)(?: (?P<link>{RELATION}) (?P<thing>.+))?"),
    ("put", rf"(?:put|place|move|set|show|bring|send) (?P<thing>.+?) (?P<state>{RELATION} .+)"),
    ("make", rf"{MAKE} the color of (?P<thing>.+?) (?:to|into|be) (?P<state>.+)"),
    ("make", rf"{MAKE} (?P<thing>.+?)(?:'s)? color (?:to|into|be) (?P<state>.+)"),
    ("turn", r"(?:turn|switch) (?P<thing>.+?) (?P<state>on|off|around|upside down)"),
    ("too", r"(?P<thing>.+?) (?:is|are|looks?) too (?P<state>[\w-]+)"),
    ("make", r"(?P<state>more|less|fewer|[a-z]{2,}(?<!oth)er) (?P<thing>[a-z].+)"),
    ("make", rf"(?P<state>{'|'.join(RESULTS)}) (?P<thing>.+)"),
)  # fmt: skip
STATES = re.compile(
    r"(?P<thing>.+?) (?:should|must|shall|has to|have to|needs? to|to)(?: (?P<link>be(?: made (?:out )?of)?|look like|look))? (?P<state>.+)"
)
SHADES = frozenset(
    re.findall(
        r"[\w-]+", "dark light pale bright deep vivid soft neon navy sky royal lime hot pastel warm cool olive mint"
    )
)
DEGREES = frozenset(
    re.findall(r"[\w-]+", "very much more less a bit little slightly way far really so too even completely all")
)


@dataclass(frozen=True)
class Clause:
    """`thing`: what is there already ("" = nothing is named); `state`: what comes, or what the thing becomes; `link`: what stood
    between."""

    act: str
    thing: str = ""
    state: str = ""
    link: str = ""


def clauses(text: str) -> Iterator[Clause]:
    """Return the ways in which a normal sentence (lower case, no full stops) parts, the likeliest first."""
    for act, form in FORMS:
        match = re.fullmatch(form, text)
        if match is not None:
            found = match.groupdict()
            state = RESULTS.get(found.get("state") or "", found.get("state") or "")
            yield Clause(act, found.get("thing") or "", state, found.get("link") or "")
    yield from _made(text)
    yield Clause("show", "", text)


def _made(text: str) -> Iterator[Clause]:
    """Part "make X Y" and "X should be Y": at a link between them, else at an article, else before the last words."""
    match = re.fullmatch(rf"{MAKE} (?P<rest>.+)", text)
    if match is None:
        stated = STATES.fullmatch(text)
        if stated:
            yield Clause("make", stated["thing"], stated["state"], stated["link"] or "")
        return
    rest = match["rest"]
    if re.fullmatch(WHOLE, rest):
        return
    for link in re.finditer(rf" {LINK}(?= )", rest):
        yield Clause("make", rest[: link.start()], rest[link.end() + 1 :], link[0].strip())
    whole = re.match(rf"{WHOLE.removesuffix(')').removesuffix('(?: of .+)?')}) ", rest)
    if whole:
        yield Clause("make", whole[0].strip(), rest[whole.end() :])
    for article in re.finditer(rf" (?={SOME} )", rest):
        if not re.fullmatch(rf"(?:.+ )?(?:{RELATION}|with|of|and|a|the)", rest[: article.start()]):
            yield Clause("make", rest[: article.start()], rest[article.end() :])
    yield from _tail(rest.split())


def _tail(words: list[str]) -> Iterator[Clause]:
    at = len(words) - 1
    while at > 1 and words[at - 1] in SHADES | DEGREES and not ARTICLES.issuperset(words[: at - 1]):
        at -= 1
    if at > 0:
        yield Clause("make", " ".join(words[:at]), " ".join(words[at:]))
