"""Series, with history and backtest."""
