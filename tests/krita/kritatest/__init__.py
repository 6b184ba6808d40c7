"""Driving the real Krita: the program, its screen, and a probe inside it. A name of its own, as `krita` is Krita's module."""
