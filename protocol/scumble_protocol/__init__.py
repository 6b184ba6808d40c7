"""What hosts and engine say to each other. Standard library and msgpack only, so that it can be vendored into a host."""

__version__ = "0.1.0"
PROTOCOL_VERSION = (1, 3)
