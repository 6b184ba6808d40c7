"""Where models come from: the registry, loading, memory, and the weights that ship."""
