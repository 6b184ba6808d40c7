"""A test's eyes in our plug-in's own process: says which widgets its windows show, and where. Changes nothing."""

import importlib.machinery
import json
import os
import socket
import sys
import threading


def serve():
    door = socket.socket(socket.AF_UNIX)
    door.bind(f"{os.environ['SCUMBLE_TEST_SHARED']}/eyes-{os.getpid()}.sock")
    door.listen(1)
    while True:
        line, _address = door.accept()
        with line, line.makefile("rwb") as stream:
            stream.readline()
            stream.write(json.dumps(look()).encode() + b"\n")


def look():
    """Ask GTK's own thread, which is the only one that may touch widgets."""
    if "gi.repository.Gtk" not in sys.modules:
        return []
    from gi.repository import GLib, Gtk

    seen, done = [], threading.Event()

    def walk():
        for window in Gtk.Window.list_toplevels():
            if window.get_mapped():
                visit(window, window, seen)
        done.set()

    GLib.idle_add(walk)
    done.wait(10)
    return seen


def visit(widget, window, seen):
    from gi.repository import Gtk

    if not widget.get_mapped():
        return
    seen.append(describe(widget, window))
    if isinstance(widget, Gtk.Container):
        widget.forall(lambda child: visit(child, window, seen))


def describe(widget, window):
    x, y = widget.translate_coordinates(window, 0, 0) or (0, 0)
    gdk = window.get_window()
    left, top = gdk.get_origin()[1:] if gdk else (0, 0)
    size = widget.get_allocation()
    return {
        "kind": type(widget).__name__,
        "window": window.get_title() or "",
        "text": text_of(widget),
        "hint": (widget.get_property("placeholder-text") or "") if widget.find_property("placeholder-text") else "",
        "box": [left + x, top + y, size.width, size.height],
        "usable": widget.is_sensitive(),
    }


def text_of(widget):
    if hasattr(widget, "get_active_text"):
        return widget.get_active_text() or ""
    names = [name for name in ("text", "label") if widget.find_property(name)]
    return (widget.get_property(names[0]) or "") if names else ""


class SpareMsgpack:
    """Finds only the msgpack that our plug-in brings along."""

    @staticmethod
    def find_spec(name, _path=None, _target=None):
        if name != "msgpack":
            return None
        return importlib.machinery.PathFinder.find_spec(name, [path for path in sys.path if path.endswith("spare")])


def forget_optional_packages():
    """Be a Python without pyzmq and msgpack, like those that GIMP brings along on Windows and in a Flatpak."""
    sys.modules["zmq"] = None
    sys.meta_path.insert(0, SpareMsgpack)


if "SCUMBLE_TEST_BARE" in os.environ:
    forget_optional_packages()
if "SCUMBLE_TEST_SHARED" in os.environ and any("scumble-gimp.py" in word for word in getattr(sys, "orig_argv", [])):
    threading.Thread(target=serve, daemon=True).start()
