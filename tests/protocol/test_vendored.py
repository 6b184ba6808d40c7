"""A host vendors the package: under another name, with the standard library and msgpack and nothing else, from Python 3.10 on."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import msgpack
import pytest
import scumble_protocol

PACKAGE = Path(scumble_protocol.__file__).parent
SOURCES = sorted(PACKAGE.rglob("*.py"))

VISIT = """
import pkgutil, sys
before = {name.partition(".")[0] for name in sys.modules}
import my_plugin.vendor.scumble_protocol as package
from my_plugin.vendor.scumble_protocol.wire import Channel, SeenNonces, accept_hello
from my_plugin.vendor.scumble_protocol.messages import Hello
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    __import__(module.name)
client = Channel(bytes(32), bytes(16), "client")
engine, hello = accept_hello(bytes(32), client.seal(Hello("vendored", (1,), bytes(16))), SeenNonces())
assert hello.client == "vendored"
foreign = {name.partition(".")[0] for name in sys.modules} - before - set(sys.stdlib_module_names) - {"my_plugin", "msgpack"}
foreign = {name for name in foreign if "cython" not in name}  # what msgpack's compiled half registers
raise SystemExit(f"also imported: {foreign}" if foreign else 0)
"""


@pytest.mark.parametrize("pure", ["", "1"], ids=["compiled msgpack", "pure msgpack"])
def test_it_works_inside_a_plug_in_with_msgpack_alone(tmp_path: Path, pure: str) -> None:
    shutil.copytree(
        PACKAGE, tmp_path / "my_plugin" / "vendor" / "scumble_protocol", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copytree(Path(msgpack.__file__).parent, tmp_path / "msgpack")
    prologue = f"import os, sys; sys.path.insert(0, {str(tmp_path)!r}); os.environ['MSGPACK_PUREPYTHON'] = {pure!r}\n"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", prologue + VISIT], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_module_is_python_3_10_and_imports_relatively(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"), feature_version=(3, 10))
    absolute = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names] + [
        node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level == 0
    ]
    assert not [name for name in absolute if name.split(".")[0] == PACKAGE.name]
