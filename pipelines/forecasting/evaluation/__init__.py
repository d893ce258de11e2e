"""Windows, metrics, backtests, champions and intervals: frames in, frames out."""
