"""Registry of the app's pages: folders of `frontend` with a `page.py`, which declare `PAGE` in their `__init__.py`."""

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Literal, get_args

Section = Literal["Today", "Trust", "Manage"]  # of the menu, in display order

_APP = Path(__file__).parents[1]


@dataclass(frozen=True)
class Page:
    """Menu label and position of a page."""

    title: str
    icon: str
    section: Section
    order: int  # within its section


@cache
def pages() -> dict[str, Page]:
    """The pages in menu order, keyed by the name of their folder and URL path.

    The first one is the page of the root URL.
    """
    names = [path.parent.name for path in _APP.glob("*/page.py")]
    declared: dict[str, Page] = {name: import_module(f"frontend.{name}").PAGE for name in names}
    sections = get_args(Section)
    return dict(sorted(declared.items(), key=lambda one: (sections.index(one[1].section), one[1].order)))


def script(name: str) -> str:
    """A page's file as Streamlit names it, relative to the app's folder. Raises ValueError for an unknown page."""
    if name not in pages():
        raise ValueError(f"There is no page {name!r}; the pages are {', '.join(pages())}.")
    return f"{name}/page.py"
