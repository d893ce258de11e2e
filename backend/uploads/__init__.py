"""From an uploaded file to a workspace."""
