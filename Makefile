# Everything a fresh machine needs: `make demo` (the main job) and `make test`. Both set up .venv themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test check bench wording hosts clean

$(STAMP): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet torch==2.13.0
	$(BIN)/python -m pip install --quiet --editable ".[engine,training,dev]"
	touch $@

# The main job: a drag and an erase on a photograph, then edits on an illustration; leaves demo/.
demo: $(STAMP)
	$(BIN)/python -m scumble_engine.demo demo

test: check
	$(BIN)/scumble models pull photo-fill
	$(BIN)/python -m pytest

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --config-file plugin_krita/mypy.ini
	MYPYPATH=plugin_gimp/scumble-gimp:tests/gimp/stubs:protocol $(BIN)/mypy --strict --explicit-package-bases plugin_gimp/scumble-gimp/scumble_gimp
	$(BIN)/lint-imports

bench: $(STAMP)
	$(BIN)/scumble bench transport
	$(BIN)/scumble bench edits

# The templates that translators begin with, anew from the code.
wording:
	PYTHONPATH=protocol:tests $(BIN)/python -m wording.templates

# Root, Debian 12: the real Krita and GIMP 3 for the tests that drive them; without it those tests are skipped.
hosts:
	.ci/hosts

clean:
	rm -rf demo artifacts .mypy_cache .ruff_cache .pytest_cache
