"""One file a kind of edit: a straight function from an `Edit` to a layer, over the parts in imaging, models and diffusion."""
