"""The HTTP API: reads what `pipelines` published. Its routes arrive with the service."""
