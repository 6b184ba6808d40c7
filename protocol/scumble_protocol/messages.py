"""Every message that crosses the wire, as frozen values. No bytes layout here (wire.py) and no sockets.

An edit is a region and its cues: coordinates and planes are in pixels of the picture that is sent (the host's crop),
so the engine never learns where that crop lies in the document. New fields get defaults; types never change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .geometry import Bounds, Point
from .pixels import Picture, Plane
from .wording import Sentence, Wording, rejoined, wording_of

Method = Literal["auto", "warp", "latent", "gan"]
Fidelity = Literal["fast", "lora"]
Purpose = Literal["final", "preview"]

# ---- cues -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Handle:
    """Move what is under `start` to `end` (pixels of the picture)."""

    start: Point
    end: Point


@dataclass(frozen=True)
class AddStrokes:
    """Strokes that draw something new. `alpha`: one u8 channel of the picture's size, 0 = no stroke."""

    alpha: Plane


@dataclass(frozen=True)
class SubtractStrokes:
    """Strokes over what should go. `alpha`: one u8 channel of the picture's size, 0 = no stroke."""

    alpha: Plane


@dataclass(frozen=True)
class ColorStrokes:
    """Strokes that say what colour something should be. `rgba`: four u8 channels, sRGB, of the picture's size."""

    rgba: Plane


@dataclass(frozen=True)
class Instruction:
    """What should change, in the painter's words: "make the apple green"."""

    text: str


@dataclass(frozen=True)
class PromptPair:
    """The same, spelled out: what the picture shows, what it should show, and the words that tie them.

    `blend`: words of `target` whose place may change; `keep`: words whose place must not; `kind`: rename, recolor, add,
    remove, replace, style, background or pose ("" = unknown).
    """

    source: str
    target: str
    blend: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    kind: str = ""


@dataclass(frozen=True)
class Mask:
    """What may change: one u8 channel of the picture's size, 255 = may, 0 = never. Soft values are a feather. No mask = everywhere."""

    alpha: Plane


@dataclass(frozen=True)
class Grab:
    """What the handles hold: one u8 channel of the picture's size. Without it the engine finds the thing under each handle."""

    alpha: Plane


@dataclass(frozen=True)
class Character:
    """What a generator paints over `place` (pixels of the picture): handles pull on it, slides change it.

    `ws`: its w as base64 of little-endian float32, one for all layers or one a layer; "" asks for a new one, by the seed.
    `sha256` names the generator's weights ("" = whichever are there).
    """

    generator: str
    place: Bounds
    ws: str = ""
    sha256: str = ""


@dataclass(frozen=True)
class Slide:
    """Change a character along one of its generator's named directions, by so many of its standard deviations."""

    name: str
    amount: float


Cue = Handle | AddStrokes | SubtractStrokes | ColorStrokes | Instruction | PromptPair | Mask | Grab | Character | Slide


# ---- the edit -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Settings:
    """How to go about it. `strength` 0..1, `steps` 0 = the method's own, `feather_px` softens the mask's edge inwards."""

    method: Method = "auto"
    strength: float = 1.0
    steps: int = 0
    seed: int = 0
    fidelity: Fidelity = "fast"
    feather_px: float = 4.0


@dataclass(frozen=True)
class Edit:
    """The one request: a picture (the host's crop), its cues in the order they were given, and settings."""

    picture: Picture
    cues: tuple[Cue, ...]
    settings: Settings = Settings()


# ---- host -> engine -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Hello:
    """Open a session. `client` names the host for people ("krita 5.2.9"); `versions` are the protocol majors it speaks, `kinds` the
    kinds of message that it knows."""

    client: str
    versions: tuple[int, ...]
    nonce: bytes
    kinds: tuple[int, ...] = ()


@dataclass(frozen=True)
class Submit:
    """Queue an edit. `job` is the client's own id. A "preview" replaces the same client's queued previews."""

    job: str
    edit: Edit
    purpose: Purpose = "final"


@dataclass(frozen=True)
class Guess:
    """Ask what the strokes in `edit` show; answered by `Guessed`."""

    job: str
    edit: Edit


@dataclass(frozen=True)
class Read:
    """Ask how the engine would read an instruction; answered by `Reading`."""

    job: str
    instruction: Instruction
    picture_words: str = ""


@dataclass(frozen=True)
class Echo:
    """Ask for the plane back as it is (benchmarks and diagnostics); answered by `Echoed`."""

    job: str
    plane: Plane


@dataclass(frozen=True)
class Sending:
    """The planes of this job's message (`size` bytes together) come next, in parts. Refused by a `Failure`: then send no more of them."""

    job: str
    size: int


@dataclass(frozen=True)
class Took:
    """Parts of `size` bytes, all together, were taken since the last `Took`: as many more may be sent."""

    size: int


@dataclass(frozen=True)
class Cancel:
    """Stop this client's job; answered by a `Failure` with code "cancelled" if it was still alive."""

    job: str


@dataclass(frozen=True)
class Ping:
    """Prove that the client lives; answered by `Pong` even while a job runs."""

    number: int


@dataclass(frozen=True)
class Goodbye:
    """Close the session; its jobs are cancelled. With `shutdown` the engine exits when no other client is connected, with `stop` always."""

    shutdown: bool = False
    stop: bool = False


# ---- engine -> host -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class EngineState:
    """What the engine is: `phase` is "starting", "ready" or "busy"; `cues` names the cue types that it can serve now."""

    engine_version: str
    phase: str
    model: str
    device: str
    cues: tuple[str, ...]
    queued: int = 0
    note: str = ""


@dataclass(frozen=True)
class Welcome:
    """Answer `Hello`: the chosen protocol major, the engine's own nonce, its state, and the kinds of message that it knows."""

    version: int
    nonce: bytes
    state: EngineState
    kinds: tuple[int, ...] = ()


@dataclass(frozen=True)
class Accepted:
    job: str


@dataclass(frozen=True)
class Queued:
    """`position` jobs will run before this one."""

    job: str
    position: int


@dataclass(frozen=True)
class Progress:
    """`step` of `of` is done; `seconds_left` is an estimate (negative: unknown); `stage` is a word or two for people."""

    job: str
    step: int
    of: int
    seconds_left: float = -1.0
    stage: str = ""


@dataclass(frozen=True)
class Preview:
    """A rough look at the layer to come: sRGB u8 RGBA of any size, to be shown over `bounds` (pixels of the sent picture)."""

    job: str
    bounds: Bounds
    plane: Plane


@dataclass(frozen=True)
class Provenance:
    """What made the pixels, for the recipe: with the same picture, cues and settings it says whether they can be made again.

    `forwards` of the network; `autoencoder_passes` either way, of which one whose gradient was taken counts twice.
    """

    engine_version: str
    method: str
    model: str
    weights_sha256: str
    scheduler: str
    steps: int
    seed: int
    device: str
    seconds: float = 0.0
    forwards: int = 0
    peak_bytes: int = 0
    autoencoder_passes: int = 0


@dataclass(frozen=True)
class Result:
    """The layer: RGBA in the sent picture's depth and space, to be placed at `bounds` (pixels of the sent picture).

    Alpha is 0 wherever nothing may change. `notes` are sentences for the painter, `wordings` the same in their parts
    (as many, or none). `reading` is the prompt pair that was used, if any; `character` what the layer shows, if a
    generator painted it.
    """

    job: str
    bounds: Bounds
    plane: Plane
    provenance: Provenance
    notes: tuple[str, ...] = ()
    reading: PromptPair | None = None
    wordings: tuple[Wording, ...] = ()
    character: Character | None = None

    def __post_init__(self) -> None:
        if not self.wordings and any(isinstance(note, Sentence) for note in self.notes):
            object.__setattr__(self, "wordings", tuple(map(wording_of, self.notes)))
        elif len(self.wordings) == len(self.notes):
            object.__setattr__(self, "notes", tuple(map(rejoined, self.notes, self.wordings)))


@dataclass(frozen=True)
class Guessed:
    """Words for what was drawn, the likeliest first, with probabilities."""

    job: str
    words: tuple[str, ...]
    probabilities: tuple[float, ...]


@dataclass(frozen=True)
class Reading:
    """How an instruction was read; editable by the painter and sent back as a `PromptPair` cue."""

    job: str
    pair: PromptPair
    note: str = ""


@dataclass(frozen=True)
class Echoed:
    job: str
    plane: Plane


@dataclass(frozen=True)
class Failure:
    """The job ended without a layer. `code` is stable for programs (errors.py), `sentence` is for the painter.

    `wording` is the sentence in its parts, for a host that says it in another language. `reading`, with the code "unsure-reading":
    what the painter's words may mean, to be corrected and sent back as a `PromptPair` cue (or as the instruction "source -> target").
    """

    job: str
    code: str
    sentence: str
    wording: Wording | None = None
    reading: PromptPair | None = None

    def __post_init__(self) -> None:
        if self.wording is None and isinstance(self.sentence, Sentence):
            object.__setattr__(self, "wording", self.sentence.wording)
        object.__setattr__(self, "sentence", rejoined(self.sentence, self.wording))


@dataclass(frozen=True)
class Pong:
    number: int
    state: EngineState


ClientMessage = Hello | Submit | Guess | Read | Echo | Sending | Took | Cancel | Ping | Goodbye
EngineMessage = (
    Welcome | Accepted | Queued | Progress | Preview | Result | Guessed | Reading | Echoed | Failure | Pong | Took
)
Message = ClientMessage | EngineMessage
Event = EngineMessage
FINAL_EVENTS = (Result, Guessed, Reading, Echoed, Failure)


def cue_names(edit: Edit) -> frozenset[str]:
    """Return the class names of the cues in an edit, e.g. {"Handle", "Mask"}."""
    return frozenset(type(cue).__name__ for cue in edit.cues)
