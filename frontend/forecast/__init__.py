"""One series: its forecast, components and earlier forecasts."""

from frontend.core.pages import Page

PAGE = Page("Forecast", ":material/show_chart:", section="Today", order=2)
