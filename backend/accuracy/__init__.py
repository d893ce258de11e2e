"""Errors in the backtest."""
