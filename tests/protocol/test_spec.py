"""SPEC.md says what the code does: every table is read and compared."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, get_args

import pytest
import scumble_protocol
from protocol.spec_tables import SPEC, described, reachable, tables
from scumble_protocol import codec, parcel, pixels, rules, wire
from scumble_protocol.connection import ConnectionInfo
from scumble_protocol.messages import Cue

TABLES = tables(SPEC.read_text("utf-8"))
KINDS = wire.CLIENT_KINDS | wire.ENGINE_KINDS
VALUES = reachable(list(KINDS.values()))


def test_the_title_names_the_version() -> None:
    major, minor = scumble_protocol.PROTOCOL_VERSION
    assert SPEC.read_text("utf-8").startswith(f"# The Scumble protocol, version {major}.{minor}\n")


def test_the_header_is_laid_out_as_written() -> None:
    rows = TABLES["Header"]
    assert ">" + "".join(row[2] for row in rows) == wire.HEADER.format
    offset = 0
    for row in rows:
        assert int(row[0]) == offset, row
        assert int(row[1]) == struct.calcsize(">" + row[2]), row
        offset += int(row[1])
    assert offset == wire.HEADER_BYTES


def test_the_headers_fields_lie_where_written() -> None:
    offsets = {row[3]: (int(row[0]), int(row[1])) for row in TABLES["Header"]}
    client = wire.Channel(bytes(32), bytes(range(16)), "client", first_counter=0x0102)
    raw = bytes(client.seal(wire.Hello("x", (1,), bytes(range(16))))[0])
    header = wire.peek([raw, b"?" * int.from_bytes(raw[36:40], "big")])
    for name in ("major", "minor", "kind", "session", "counter", "planes", "body_bytes", "mac"):
        offset, size = offsets[name]
        value = getattr(header, name)
        assert raw[offset : offset + size] == (value if isinstance(value, bytes) else value.to_bytes(size, "big")), name


@pytest.mark.parametrize("row", TABLES["Limits"], ids=lambda row: row[0])
def test_limits_have_the_written_values(row: list[str]) -> None:
    owners = [module for module in (wire, codec, pixels, parcel) if hasattr(module, row[0])]
    assert owners
    assert {getattr(module, row[0]) for module in owners} == {int(row[1])}


@pytest.mark.parametrize("row", TABLES["Rules"], ids=lambda row: row[0])
def test_rules_have_the_written_numbers(row: list[str]) -> None:
    assert getattr(rules, row[0]) == float(row[1])


def test_every_number_of_the_rules_is_written() -> None:
    written = {row[0] for row in TABLES["Rules"]}
    assert {name for name in vars(rules) if name.startswith(("MAX_", "MIN_"))} == written


def test_a_parts_head_is_laid_out_as_written() -> None:
    rows = TABLES["Parts"]
    assert ">" + "".join(row[2] for row in rows) == parcel.PART.format
    assert sum(int(row[1]) for row in rows) == parcel.PART.size


def test_every_limit_is_written() -> None:
    written = {row[0] for row in TABLES["Limits"]}
    ours = {name for module in (wire, codec) for name in vars(module) if name.startswith("MAX_")}
    assert ours - {"MAX_PLANE_BYTES"} <= written


def test_kinds_have_the_written_numbers_and_senders() -> None:
    written = {int(row[0]): (row[1], row[2]) for row in TABLES["Kinds"]}
    ours = {number: (cls.__name__, "client") for number, cls in wire.CLIENT_KINDS.items()}
    ours |= {number: (cls.__name__, "engine") for number, cls in wire.ENGINE_KINDS.items()}
    assert written == ours


@pytest.mark.parametrize("cls", [*KINDS.values(), *VALUES], ids=lambda cls: cls.__name__)
def test_every_message_and_value_has_the_written_fields(cls: Any) -> None:
    assert TABLES[cls.__name__] == described(cls)


def test_every_cue_is_named() -> None:
    sentence = next(line for line in SPEC.read_text("utf-8").splitlines() if line.startswith("Cue is any of"))
    assert all(f"`{cue.__name__}`" in sentence for cue in get_args(Cue))


def test_the_connection_files_fields_are_written() -> None:
    assert [row[0] for row in TABLES["Connection file"]] == list(ConnectionInfo.__dataclass_fields__)


def test_every_code_that_wire_and_codec_use_is_written() -> None:
    written = {row[0] for row in TABLES["Codes"]}
    for module in (wire, codec):
        source = Path(str(module.__file__)).read_text("utf-8")
        used = {part.split('"')[0] for part in source.split('"protocol-')[1:]}
        assert {f"protocol-{each}" for each in used} <= written
