"""Runs in GIMP's Python: takes calls from the test, one JSON line each, and answers with one line."""

import json
import socket
import sys

SHARED = globals()["SHARED"]
for folder in ("/inside", "/home/.config/GIMP/3.0/plug-ins/scumble-gimp"):
    sys.path.insert(0, SHARED + folder)
sys.path.insert(0, SHARED + "/home/.config/GIMP/3.0/plug-ins/scumble-gimp/vendor")
from calls import answer  # noqa: E402


def serve():
    line = socket.socket(socket.AF_UNIX)
    line.connect(SHARED + "/console.sock")
    with line.makefile("rwb") as stream:
        for request in stream:
            stream.write(json.dumps(answer(json.loads(request))).encode() + b"\n")
            stream.flush()


serve()
