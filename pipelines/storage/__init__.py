"""Durable storage on disk or an object store: the catalog reads published data, the store writes them."""
