"""All series together, and those that need attention."""

from frontend.core.pages import Page

PAGE = Page("Portfolio", ":material/dashboard:", section="Today", order=1)
