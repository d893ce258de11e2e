"""One file a kind of source: `Options` (validated settings) and `build(options, data_dir) -> Source`."""
