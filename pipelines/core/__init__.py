"""Shared basics: errors, configuration, secrets, plugins, progress."""
