"""Data in, forecasts out: sources, cleaning, models, backtests, runs and published forecast sets."""

__version__ = "0.2.0"
