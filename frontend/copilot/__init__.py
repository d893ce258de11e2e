"""Questions in plain language, and what answers may quote."""

from frontend.core.pages import Page

PAGE = Page("Copilot", ":material/forum:", section="Today", order=3)
