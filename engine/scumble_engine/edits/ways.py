"""The one table: for a capability of the model and a kind of edit, how it is placed, painted and finished."""

from __future__ import annotations

from ..diffusion.profile import Profile
from . import finishing as finish
from . import painting as paint
from . import places as place
from .steps import Way

# Without a figure to take out, what goes is where the prompts disagree.
REMOVE = Way(place.hole_by_disagreement, paint.taken_out_there, finish.without_patch)
# A thing of another shape. The illustrator's loop keeps a ghost of the old one, so there it only finds the place.
REPLACE = Way(place.around_figure, paint.change, finish.on_figure)
EXCHANGE = Way(
    place.named_thing_near,
    paint.exchanged,
    finish.new_thing_alone,
    otherwise=Way(place.around_figure, paint.polished, finish.on_figure),
    quick=False,
)

WAYS: dict[tuple[str, str], Way] = {
    ("illustrates", "recolor"): Way(place.near_figure, paint.change, finish.changed),
    ("illustrates", "replace"): EXCHANGE,
    ("illustrates", "rename"): EXCHANGE,
    ("illustrates", "add"): Way(place.free_place, paint.added, finish.new_thing_alone),
    ("illustrates", "remove"): Way(place.named_thing, paint.taken_out, finish.without, otherwise=REMOVE),
    ("denoises", "remove"): REMOVE,
    ("denoises", "replace"): REPLACE,
    ("denoises", "rename"): REPLACE,
    ("denoises", "background"): Way(place.around_figure, paint.change, finish.behind),
    ("denoises", ""): Way(place.anywhere, paint.change, finish.changed),
}


def way_for(profile: Profile, kind: str, final: bool) -> Way:
    """Return the way of the model's best capability that has one for this kind; a preview takes only quick ones."""
    for each in (kind, ""):
        for capability in profile.can:
            way = WAYS.get((capability, each))
            if way is not None and (final or way.quick):
                return way
    raise LookupError(f"no way for {kind!r} by {profile.can}")
