"""Runs in GIMP's Python: does what a test asks for in one JSON object, and says what came of it in another."""

import importlib
import traceback


def answer(call):
    module, _, name = call["call"].partition(".")
    try:
        return {"value": getattr(importlib.import_module(module), name)(**call["with"])}
    except Exception:
        return {"error": traceback.format_exc()}
