"""The HTTP API: reads what `pipelines` published."""

import gc

# A hundred thousand objects of schemas and routes are made at the start and stay: looking through them again and again for
# what could go is a tenth of that time.
gc.set_threshold(20_000, 20, 100)
