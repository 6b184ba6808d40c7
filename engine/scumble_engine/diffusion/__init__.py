"""One adapter over diffusers text-to-image models, and the algorithms that run on it."""
