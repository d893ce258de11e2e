"""Thin command lines over `pipelines.flows`."""
