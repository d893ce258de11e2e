"""Series, their history and backtest."""
