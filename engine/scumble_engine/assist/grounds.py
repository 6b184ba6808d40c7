"""Where a picture plays: the words that say a place, a season, an hour or the weather, in an open and in a taught vocabulary. Pure."""

from __future__ import annotations

import re

from .vocabulary import Vocabulary, with_article

GROUND_STARTS = re.compile(r"\b(?:on|in|at|over|under|against|before|by)\b")
# Nouns that are places in an open vocabulary, where anything may be in front of anything.
PLACES = frozenset(
    re.findall(
        r"[\w-]+",
        "background backdrop beach grass meadow field sky stars space sea ocean water sand desert forest "
        "woods jungle mountains city street park garden room studio kitchen clouds indoors outdoors "
        "underwater moon mars snow rain fog fire",
    )
)
HOURS = {
    **dict.fromkeys(["winter", "summer", "autumn", "fall", "spring"], "in"),
    **dict.fromkeys(
        re.findall(r"[\w-]+", "night sunset sunrise dawn dusk noon midnight twilight hour christmas halloween"), "at"
    ),
    **dict.fromkeys(["morning", "evening", "afternoon", "dark", "moonlight"], "in the"),
    **dict.fromkeys(["day", "daylight", "candlelight"], "by"),
}
WEATHER = {
    "rain": "in the rain",
    "snow": "in the snow",
    "fog": "in fog",
    "mist": "in mist",
    "storm": "in a storm",
    "sun": "in the sunshine",
    "wind": "in the wind",
    "cloud": "under clouds",
}
WEATHERED = re.compile(rf"({'|'.join(WEATHER)})(?:s|y|gy|ny|ing|fall|shine|set)?")


def ground_of(said: str, words: Vocabulary) -> str:
    """Return the phrase of a ground that a painter names without saying "background": "at night" for "night"; "" where it names none."""
    if not words.open:
        return words.ground(said) or ""
    bare = re.sub(r"^(?:a|an|the|be|more|very) ", "", said)
    last = bare.split()[-1] if bare else ""
    if last in HOURS:
        led = re.match(r"(?:in|at|by|during) (?:the )?", bare)
        return (
            bare
            if led
            else f"{HOURS[last]} {bare}"
            if HOURS[last] != "at" or bare == last
            else f"at {with_article(bare)}"
        )
    weather = WEATHERED.fullmatch(last)
    if weather and bare == last:
        return WEATHER[weather[1]]
    if GROUND_STARTS.match(bare):
        return bare if {*bare.split()} & PLACES else ""
    return f"on {with_article(said)}" if last in PLACES and said != bare else ""


def ground_in(prompt: str, words: Vocabulary) -> str:
    """Return the words at the end of a prompt that say its ground ("on grass"), or nothing."""
    starts = [match.start() for match in GROUND_STARTS.finditer(prompt)]
    if words.open:
        return next((prompt[at:] for at in starts if (PLACES | {*HOURS, *WEATHER}) & {*prompt[at:].split()}), "")
    return next((prompt[at:] for at in starts if words.ground(prompt[at:])), "")
