"""An engine under siege, on loopback only: what hostile, broken and crowding peers cost an honest painter. It ends by itself."""
