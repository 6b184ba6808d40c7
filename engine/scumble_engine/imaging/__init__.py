"""Pure functions on numpy arrays: colour, crops, masks, blending, warps, edges, fills. No torch, no sockets, no messages."""
