"""Worker processes for forecasts and upload previews."""
