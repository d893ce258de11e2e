"""The pages of the app: each folder of `frontend` with a `page.py` is one, and declares `PAGE` in its `__init__.py`."""

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Literal, get_args

Section = Literal["Today", "Trust", "Manage"]  # of the menu, in its order

_APP = Path(__file__).parents[1]


@dataclass(frozen=True)
class Page:
    """How a page is called in the menu, and where it stands there."""

    title: str
    icon: str
    section: Section
    order: int  # within its section


@cache
def pages() -> dict[str, Page]:
    """The pages in the order of the menu, by name: of their folder, and of their path in the URL.

    The first one is the page of the root URL.
    """
    names = [path.parent.name for path in _APP.glob("*/page.py")]
    declared: dict[str, Page] = {name: import_module(f"frontend.{name}").PAGE for name in names}
    sections = get_args(Section)
    return dict(sorted(declared.items(), key=lambda one: (sections.index(one[1].section), one[1].order)))


def script(name: str) -> str:
    """The file of a page as Streamlit names it: from the folder of the app. ValueError for a page that does not exist."""
    if name not in pages():
        raise ValueError(f"There is no page {name!r}; the pages are {', '.join(pages())}.")
    return f"{name}/page.py"
