"""The engine process of Scumble: a server without torch and a worker that owns the models."""

from scumble_protocol import __version__

__all__ = ["__version__"]
