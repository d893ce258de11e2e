"""Data quality, rejected rows, uploads and pipelines."""

from frontend.core.pages import Page

PAGE = Page("Data", ":material/database:", section="Manage", order=1)
