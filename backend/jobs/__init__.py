"""Pipelines started over HTTP."""
