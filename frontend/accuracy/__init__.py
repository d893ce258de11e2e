"""Backtest errors."""

from frontend.core.pages import Page

PAGE = Page("Accuracy", ":material/target:", section="Trust", order=1)
