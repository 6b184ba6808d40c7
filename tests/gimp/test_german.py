"""A GIMP that speaks German, with the plug-in and its translations as they are installed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from gimp.console import Console
from gimp.root import Root

pytestmark = pytest.mark.gimp


@pytest.fixture(scope="module")
def german(gimp_root: Root, run_folder: Path) -> Iterator[Console]:
    console = Console(gimp_root, {"LANG": "C.UTF-8", "LANGUAGE": "de", "SCUMBLE_RUNTIME_DIR": str(run_folder)})
    yield console
    console.close()


@pytest.fixture
def ids(german: Console) -> Iterator[dict[str, int]]:
    made: dict[str, int] = german.call("pictures.make")
    yield made
    german.call("pictures.close", image=made["image"])


@pytest.mark.usefixtures("engine")
def test_a_refusal_of_the_engines_is_said_in_german_with_its_numbers(german: Console, ids: dict[str, int]) -> None:
    german.call("scene.select", image=ids["image"], box=[2, 2, 10, 10], feather=0.0)
    german.call("host.add_path", image=ids["image"], strokes=[[(6, 6), (8, 8)], [(60, 40), (70, 40)]])

    done = german.call("script.edit", image=ids["image"], layers=[ids["layer"]])

    assert done["error"] == "Griff 2 beginnt außerhalb der Maske."


def test_what_the_plug_in_says_itself_is_german_too(german: Console, ids: dict[str, int]) -> None:
    german.call("host.add_path", image=ids["image"], strokes=[[(6, 6)]], name="Weg")

    done = german.call("script.edit", image=ids["image"], layers=[ids["layer"]])

    assert done["error"].startswith("Teilstrecke 1 des Pfads „Weg“ hat einen Anker;")
