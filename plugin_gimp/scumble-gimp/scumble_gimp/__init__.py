"""Scumble inside GIMP 3: only what needs GIMP's own calls lives here; everything else comes from `scumble_protocol.client`."""
