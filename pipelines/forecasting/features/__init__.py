"""Features of a panel; every value depends on the past or on what is known in advance."""
