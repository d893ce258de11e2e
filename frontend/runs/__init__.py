"""Runs, their cards, and which one is in production."""

from frontend.core.pages import Page

PAGE = Page("Runs", ":material/history:", section="Manage", order=2)
