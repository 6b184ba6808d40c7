"""The one error tree. The type says whose fault it is; the sentence is for a painter.

ScumbleError
├── RequestError    the caller asked for what cannot be done        (exit code 2)
│   └── AskedBack   the words are not surely read; what they may mean comes along
├── EngineError     the engine failed at what it should have done   (exit code 1)
│   └── Cancelled   the caller cancelled the work
└── ProtocolError   the other end does not speak our protocol       (exit code 3)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .messages import PromptPair


class ScumbleError(Exception):
    """Carry a stable `code` for programs and one `sentence` for a painter."""

    default_code = "error"
    exit_code = 1

    def __init__(self, sentence: str, code: str | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.code = code or self.default_code


class RequestError(ScumbleError):
    """The request cannot be met as it stands; the sentence says what to change."""

    default_code = "bad-request"
    exit_code = 2


class AskedBack(RequestError):
    """The words are not surely read: `reading` is what they may mean, for the painter to correct and send back."""

    default_code = "unsure-reading"

    def __init__(self, sentence: str, reading: PromptPair) -> None:
        super().__init__(sentence)
        self.reading = reading


class EngineError(ScumbleError):
    """The engine or what it runs on failed; the same request may succeed later."""

    default_code = "engine-failed"


class Cancelled(EngineError):
    """The work was cancelled by whoever asked for it."""

    default_code = "cancelled"

    def __init__(self, sentence: str = "The edit was cancelled.") -> None:
        super().__init__(sentence)


class ProtocolError(ScumbleError):
    """The peer sent what this version of the protocol does not allow."""

    default_code = "bad-message"
    exit_code = 3


def error_for(code: str, sentence: str, reading: PromptPair | None = None) -> ScumbleError:
    """Rebuild the error that a `Failure` event carried over the wire, by its code's prefix.

    Codes of engine faults begin with "engine-", of peers with "protocol-"; "cancelled" is itself; all others blame the request.
    """
    if code == Cancelled.default_code:
        return Cancelled(sentence)
    if code.startswith("engine-"):
        return EngineError(sentence, code)
    if code.startswith("protocol-") or code == ProtocolError.default_code:
        return ProtocolError(sentence, code)
    return AskedBack(sentence, reading) if reading is not None else RequestError(sentence, code)
