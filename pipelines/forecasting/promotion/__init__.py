"""Promotion of runs to production, and comparison of runs and forecasts."""
