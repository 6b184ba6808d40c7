"""The bundle through Krita's own "Import Python Plugin from File"."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from scumble_engine import install

IMPORTER = Path("/usr/share/krita/pykrita/plugin_importer/plugin_importer.py")


@pytest.mark.krita
def test_kritas_importer_takes_the_bundle(tmp_path: Path) -> None:
    if not IMPORTER.exists():
        pytest.skip("Krita is missing: run `make hosts` (root, Debian 12)")
    bundle = install.bundle("krita", tmp_path)
    resources = tmp_path / "krita"
    resources.mkdir()
    done = subprocess.run(
        ["/usr/bin/python3", str(IMPORTER), str(bundle), str(resources)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (resources / "pykrita" / "scumble_krita.desktop").is_file()
    assert (resources / "pykrita" / "scumble_krita" / "vendor" / "scumble_protocol" / "wire.py").is_file()
    assert (resources / "pykrita" / "scumble_krita" / "Manual.html").is_file()
    assert (resources / "pykrita" / "scumble_krita" / "locale" / "scumble-krita.pot").is_file()
    assert (resources / "pykrita" / "scumble_krita" / "locale" / "de" / "LC_MESSAGES" / "scumble-krita.mo").is_file()
    assert (
        resources / "pykrita" / "scumble_krita" / "vendor" / "scumble_protocol" / "locale" / "scumble.pot"
    ).is_file()
