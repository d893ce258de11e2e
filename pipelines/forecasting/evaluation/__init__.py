"""Windows, metrics, backtests, champions and intervals, as functions from frames to frames."""
