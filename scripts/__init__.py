"""Thin command lines over `pipelines.forecasting.flows`."""
