"""Shared parts of the API: access, errors, responses, limits."""
