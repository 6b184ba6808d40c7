"""StyleGAN2 in pure PyTorch: the generator, point dragging on it, inversion to w, and the safe converter. No sockets, no edits."""
