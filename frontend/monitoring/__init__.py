"""Live error, drift and alerts."""

from frontend.core.pages import Page

PAGE = Page("Monitoring", ":material/monitor_heart:", section="Trust", order=2)
