"""Forecasting of panels of time series: from data to published forecasts, and their monitoring."""
