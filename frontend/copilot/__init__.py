"""Questions in plain language, and the sources that answers may quote."""

from frontend.core.pages import Page

PAGE = Page("Copilot", ":material/forum:", section="Today", order=3)
