"""The portfolio: totals over all series, and the series that need attention."""
