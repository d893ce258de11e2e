"""Workspaces and their status."""
