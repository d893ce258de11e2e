"""Developer tools: benchmarks, evaluations, images, screenshots, API pages. Not part of any wheel or image."""
