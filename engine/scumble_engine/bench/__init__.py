"""Benchmarks with ground truth, and their reports."""
