"""Runs and aliases: what was trained, whether it is intact, and which run is served."""
