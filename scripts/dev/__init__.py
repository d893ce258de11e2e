"""What developers run: benchmarks, evaluations, images, screenshots, API pages. In no wheel and in no image."""
