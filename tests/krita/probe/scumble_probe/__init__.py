"""Lets the tests look inside a running Krita: runs the Python that comes over a socket, on Krita's main thread.

Never installed for painters.
"""

import base64
import faulthandler
import json
import os
import socket
import struct
import time
import traceback
import types

from krita import Extension, Krita
from PyQt5.QtCore import QTimer

KEPT = (types.FunctionType, types.ModuleType, type)


def as_json(value):
    if isinstance(value, (bytes, bytearray)):
        return {"base64": base64.b64encode(bytes(value)).decode()}
    return str(value)


class Probe(Extension):
    def __init__(self, parent):
        super().__init__(parent)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(os.environ["SCUMBLE_PROBE"])
        self.listener.listen(4)
        self.listener.setblocking(False)
        self.names = {"probe": self, "Krita": Krita, "app": Krita.instance()}
        self.timer = QTimer()
        self.timer.timeout.connect(self.tick)
        self.timer.start(20)
        self.gaps = []

    def setup(self):
        pass

    def createActions(self, window):
        pass

    def tick(self):
        try:
            peer, _ = self.listener.accept()
        except BlockingIOError:
            return
        with peer:
            peer.settimeout(5)
            size = struct.unpack(">I", peer.recv(4, socket.MSG_WAITALL))[0]
            source = peer.recv(size, socket.MSG_WAITALL).decode()
            answer = json.dumps(self.run(source), default=as_json).encode()
            peer.sendall(struct.pack(">I", len(answer)) + answer)

    def run(self, source):
        # Krita crashes when a wrapper outlives its document, so only what is no wrapper is kept for later questions.
        names = dict(self.names)
        try:
            exec(compile(source, "<probe>", "exec"), names)
        except BaseException:
            return {"error": traceback.format_exc()}
        self.names.update({name: value for name, value in names.items() if isinstance(value, KEPT)})
        return {"value": names.get("answer")}

    def watch_gaps(self):
        """Start a 10 ms timer that notes, in milliseconds, how far apart two ticks were and how long our thread worked between."""
        self.gaps, self.last = [], (time.perf_counter(), time.thread_time())
        self.watch = QTimer()
        self.watch.timeout.connect(self.note_gap)
        self.watch.start(10)

    def note_gap(self):
        now = (time.perf_counter(), time.thread_time())
        self.gaps.append([(after - before) * 1000 for after, before in zip(now, self.last, strict=True)])
        self.last = now


if "SCUMBLE_PROBE" in os.environ:
    faulthandler.enable()
    Krita.instance().addExtension(Probe(Krita.instance()))
