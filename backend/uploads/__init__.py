"""Uploads: from a file to a workspace."""
