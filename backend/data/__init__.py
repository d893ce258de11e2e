"""Quality and rejected rows."""
