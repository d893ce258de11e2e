"""Bringing data in: sources, parsing, cleaning, profiles and quality checks."""
