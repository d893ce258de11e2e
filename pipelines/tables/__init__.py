"""Tables: their columns, and reading parquet in parts."""
