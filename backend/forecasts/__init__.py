"""Published and computed forecasts."""
