"""Files that survive: a catalog reads what is published, a store writes it, on a disk or an object store."""
