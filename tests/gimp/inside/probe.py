#!/usr/bin/env python3
"""A test's eyes inside a GIMP with windows: an extension that starts with GIMP and answers calls of `inside/` functions."""

import json
import os
import socket
import sys

import gi

gi.require_version("Gimp", "3.0")
from gi.repository import Gimp, GLib  # noqa: E402

SHARED = os.environ["SCUMBLE_TEST_SHARED"]
PLUG_IN = SHARED + "/home/.config/GIMP/3.0/plug-ins/scumble-gimp"
sys.path[:0] = [SHARED + "/inside", PLUG_IN, PLUG_IN + "/vendor"]
from calls import answer  # noqa: E402


class Probe(Gimp.PlugIn):
    def do_set_i18n(self, name):
        return False

    def do_query_procedures(self):
        return ["extension-scumble-probe"]

    def do_create_procedure(self, name):
        procedure = Gimp.Procedure.new(self, name, Gimp.PDBProcType.PERSISTENT, self.run, None)
        procedure.set_documentation("test probe", "test probe", name)
        return procedure

    def run(self, procedure, _config, _data):
        done = procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, GLib.Error())
        door = socket.socket(socket.AF_UNIX)
        door.bind(SHARED + "/probe.sock")
        door.listen(1)
        self.persistent_enable()
        procedure.persistent_ready()
        GLib.io_add_watch(door.fileno(), GLib.IO_IN, lambda *_event: self.welcome(door))
        GLib.MainLoop().run()
        return done

    def welcome(self, door):
        line, _address = door.accept()
        stream = line.makefile("rwb")
        GLib.io_add_watch(line.fileno(), GLib.IO_IN, lambda *_event: self.serve(stream))
        return True

    def serve(self, stream):
        request = stream.readline()
        if not request:
            return False
        stream.write(json.dumps(answer(json.loads(request))).encode() + b"\n")
        stream.flush()
        return True


Gimp.main(Probe.__gtype__, sys.argv)
