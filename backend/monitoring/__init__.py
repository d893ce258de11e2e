"""Live error, drift and alerts."""
