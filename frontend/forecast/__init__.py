"""One series: its forecast, its parts, and what it was before."""

from frontend.core.pages import Page

PAGE = Page("Forecast", ":material/show_chart:", section="Today", order=2)
