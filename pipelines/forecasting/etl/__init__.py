"""Loading data: sources, parsing, cleaning, profiles and quality checks."""
