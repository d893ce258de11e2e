"""All series together, and those that need attention."""
