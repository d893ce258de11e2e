"""Workspaces and their state."""
