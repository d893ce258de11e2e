"""Forecasts against actuals, drift of the inputs, alerts and rollback."""
