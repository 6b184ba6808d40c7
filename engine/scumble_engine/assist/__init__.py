"""Small helpers for the painter: guessing what was drawn, reading instructions."""
