"""Runs and aliases."""
