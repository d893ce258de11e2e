"""Runs: recorded, signed, verified, and named by aliases, whatever they hold."""
