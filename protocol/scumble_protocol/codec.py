"""Frozen dataclasses <-> the plain values that msgpack carries, by their type hints alone.

Strict: a value of another type is refused, an unknown field is ignored, a missing field takes its default.
Pixels and long bytes leave the body for frames of their own; the body holds their index. No header, no keys, no sockets.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgpack

from .errors import ProtocolError, RequestError
from .pixels import Buffer
from .wording import said

MAX_BODY_BYTES = 2**20
MAX_TEXT_BYTES = 2**18
MAX_ITEMS = 4096
MAX_FIELDS = 64
INLINE_BYTES = 1024  # longer bytes travel as a frame

Encode = Callable[[Any, list[memoryview]], Any]
Decode = Callable[[Any, "Frames"], Any]


class Frames:
    """The raw frames that follow a body; each may be taken once."""

    def __init__(self, frames: Sequence[memoryview]) -> None:
        self._frames = frames
        self._taken: set[int] = set()

    def take(self, index: Any, where: str) -> memoryview:
        if type(index) is not int or not 0 <= index < len(self._frames) or index in self._taken:
            raise _unfit(where, "the number of a frame that is there and not taken")
        self._taken.add(index)
        return self._frames[index]


@dataclass(frozen=True)
class Codec:
    """How one type becomes plain values and back."""

    encode: Encode
    decode: Decode


def flat(buffer: Buffer) -> memoryview:
    """View any contiguous buffer as plain bytes, without a copy. Raises RequestError when it is not contiguous."""
    view = memoryview(buffer)
    if not view.c_contiguous:
        raise RequestError("The pixels are not in one piece of memory.", "bad-pixels")
    return view if view.format == "B" and view.ndim == 1 else view.cast("B")


def pack(value: Any) -> tuple[bytes, list[memoryview]]:
    """Encode a dataclass to a msgpack body and the frames that follow it.

    Raises RequestError for a value that its type hint or msgpack does not allow.
    """
    frames: list[memoryview] = []
    cls: Any = type(value)
    name = cls.__name__
    try:
        body: bytes = msgpack.packb(_codec(cls, name).encode(value, frames))
    except (TypeError, ValueError, OverflowError, AttributeError) as exc:
        raise RequestError(said("This {name} holds a value that cannot be sent ({exc}).", name=name, exc=exc)) from exc
    if len(body) > MAX_BODY_BYTES:
        raise RequestError(
            said("This {name} holds {len} bytes of text and points, more than can be sent.", name=name, len=len(body)),
            "too-large",
        )
    return body, frames


def unpack_map(body: Buffer) -> dict[str, Any]:
    """Parse a body within the limits. Raises ProtocolError for anything but one map."""
    try:
        value = msgpack.unpackb(
            body,
            raw=False,
            strict_map_key=True,
            max_str_len=MAX_TEXT_BYTES,
            max_bin_len=INLINE_BYTES,
            max_array_len=MAX_ITEMS,
            max_map_len=MAX_FIELDS,
            max_ext_len=0,
        )
    except (ValueError, TypeError, OverflowError, RecursionError, msgpack.UnpackException) as exc:
        raise ProtocolError("A message's body cannot be read.", "protocol-garbage") from exc
    if type(value) is not dict:
        raise _unfit("The body", "a map")
    return value


def build(cls: Any, values: dict[str, Any], frames: Sequence[memoryview]) -> Any:
    """Make a `cls` from a parsed body. Raises ProtocolError when a value does not fit, or is refused by the class itself."""
    return _codec(cls, cls.__name__).decode(values, Frames(frames))


def _unfit(where: str, expected: str) -> ProtocolError:
    return ProtocolError(said("{where} is not {expected}.", where=where, expected=expected), "protocol-garbage")


@cache
def _codec(hint: Any, where: str) -> Codec:
    """Return the codec of a type hint; `where` names the place in error messages."""
    if hint == Buffer:
        return _buffer_codec(where)
    if hint is bytes:
        return _bytes_codec(where)
    if hint in _SCALARS:
        return _scalar_codec(hint, where)
    if is_dataclass(hint) and isinstance(hint, type):
        return _dataclass_codec(hint)
    origin, args = get_origin(hint), get_args(hint)
    if origin is Literal:
        return _literal_codec(args, where)
    if origin is tuple and len(args) == 2 and args[1] is Ellipsis:
        return _tuple_codec(args[0], where)
    if origin in (Union, UnionType):
        return _union_codec(args, where)
    raise TypeError(f"{where}: no codec for {hint!r}")


def _as_text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text")
    return value


_SCALARS: dict[Any, tuple[Callable[[Any], Any], tuple[type, ...], str]] = {
    bool: (bool, (bool,), "true or false"),
    int: (operator.index, (int,), "a whole number"),
    float: (float, (float, int), "a number"),
    str: (_as_text, (str,), "text"),
}


def _scalar_codec(hint: Any, where: str) -> Codec:
    encode_one, accepted, expected = _SCALARS[hint]

    def decode(value: Any, _: Frames) -> Any:
        if type(value) not in accepted:
            raise _unfit(where, expected)
        return hint(value)

    return Codec(lambda value, _: encode_one(value), decode)


def _literal_codec(allowed: tuple[Any, ...], where: str) -> Codec:
    def encode(value: Any, _: list[memoryview]) -> Any:
        if value not in allowed:
            raise ValueError(f"{where} cannot be {value!r}")
        return value

    def decode(value: Any, _: Frames) -> Any:
        if type(value) is not str or value not in allowed:
            raise _unfit(where, "one of " + ", ".join(map(str, allowed)))
        return value

    return Codec(encode, decode)


def _buffer_codec(where: str) -> Codec:
    def encode(value: Any, frames: list[memoryview]) -> int:
        frames.append(flat(value))
        return len(frames) - 1

    return Codec(encode, lambda value, frames: frames.take(value, where))


def _bytes_codec(where: str) -> Codec:
    def encode(value: Any, frames: list[memoryview]) -> bytes | int:
        if len(value) <= INLINE_BYTES:
            return bytes(value)
        frames.append(flat(value))
        return len(frames) - 1

    def decode(value: Any, frames: Frames) -> bytes:
        return value if type(value) is bytes else bytes(frames.take(value, where))

    return Codec(encode, decode)


def _tuple_codec(item: Any, where: str) -> Codec:
    one = _codec(item, f"An item of {where}")

    def decode(value: Any, frames: Frames) -> tuple[Any, ...]:
        if type(value) is not list:
            raise _unfit(where, "a list")
        return tuple(one.decode(each, frames) for each in value)

    def encode(value: Any, frames: list[memoryview]) -> list[Any]:
        if len(value) > MAX_ITEMS:
            raise ValueError(f"{where} has more than {MAX_ITEMS} items")
        return [one.encode(each, frames) for each in value]

    return Codec(encode, decode)


def _union_codec(args: tuple[Any, ...], where: str) -> Codec:
    """Code `X | None` as nil or the X; a union of dataclasses as [class name, its fields]."""
    classes = tuple(arg for arg in args if arg is not NoneType)
    if NoneType in args and len(classes) == 1:
        return _optional_codec(_codec(classes[0], where))
    by_name = {cls.__name__: _codec(cls, cls.__name__) for cls in classes}

    def encode(value: Any, frames: list[memoryview]) -> list[Any]:
        if type(value) not in classes:
            raise TypeError(f"{where} cannot be a {type(value).__name__}")
        name = type(value).__name__
        return [name, by_name[name].encode(value, frames)]

    def decode(value: Any, frames: Frames) -> Any:
        if type(value) is not list or len(value) != 2 or type(value[0]) is not str:
            raise _unfit(where, "a name and its fields")
        if value[0] not in by_name:
            raise ProtocolError(
                said("{kind} is not known to this version of Scumble.", kind=f"{value[0][:40]!r}"), "protocol-unknown"
            )
        return by_name[value[0]].decode(value[1], frames)

    return Codec(encode, decode)


def _optional_codec(inner: Codec) -> Codec:
    return Codec(
        lambda value, frames: None if value is None else inner.encode(value, frames),
        lambda value, frames: None if value is None else inner.decode(value, frames),
    )


def _dataclass_codec(cls: type[Any]) -> Codec:
    hints = get_type_hints(cls)
    name = cls.__name__
    parts = {field.name: _codec(hints[field.name], f"{name}.{field.name}") for field in fields(cls)}
    required = {f.name for f in fields(cls) if f.default is MISSING and f.default_factory is MISSING}

    def encode(value: Any, frames: list[memoryview]) -> dict[str, Any]:
        if type(value) is not cls:
            raise TypeError(f"{value!r:.60} is not a {name}")
        return {key: part.encode(getattr(value, key), frames) for key, part in parts.items()}

    def decode(value: Any, frames: Frames) -> Any:
        if type(value) is not dict:
            raise _unfit(name, "a map of fields")
        if not required <= value.keys():
            raise _unfit(name, "complete: " + ", ".join(sorted(required - value.keys())) + " missing")
        return _made(cls, {key: part.decode(value[key], frames) for key, part in parts.items() if key in value})

    return Codec(encode, decode)


def _made(cls: type[Any], values: dict[str, Any]) -> Any:
    try:
        return cls(**values)
    except RequestError as exc:  # the class's own checks: sizes, depths, spaces
        raise ProtocolError(exc.sentence, "protocol-garbage") from exc
