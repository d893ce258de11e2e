"""Features of a panel, computed only from the past and from values known in advance."""
