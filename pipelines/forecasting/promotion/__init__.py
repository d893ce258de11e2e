"""Which run becomes production, and how runs and forecasts differ."""
