"""What `scripts/dev/benchmark.py` measures, one noun a file."""
