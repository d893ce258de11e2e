"""The HTTP API: serves what `pipelines` publishes."""

import gc

# Startup creates about a hundred thousand long-lived objects (schemas, routes). Repeated full collections over them
# would take a tenth of the startup time.
gc.set_threshold(20_000, 20, 100)
