"""Benchmarks of `scripts/dev/benchmark.py`, one subject per file."""
