"""What stands around every page."""

from typing import Any

import pytest

from frontend.core import shell
from frontend.core.client import Json


def _workspace(name: str, **facts: Any) -> Json:
    return {"name": name, "status": "ready", "worst_alert": None, "open_alerts": 0, **facts}


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        ([_workspace("a"), _workspace("b", worst_alert="alert", open_alerts=10)], "b"),
        (
            [_workspace("a", worst_alert="warn", open_alerts=9), _workspace("b", worst_alert="alert", open_alerts=1)],
            "b",
        ),
        (
            [_workspace("a", worst_alert="alert", open_alerts=1), _workspace("b", worst_alert="alert", open_alerts=2)],
            "b",
        ),
        ([_workspace("a", status="no data"), _workspace("b")], "b"),
        ([_workspace("a", open_alerts=None), _workspace("b")], "a"),
    ],
)
def test_a_first_visit_opens_where_most_needs_attention(found: list[Json], shown: str) -> None:
    """The most severe alerts, then the most of them, then what is ready, then by name."""
    assert shell.first(found)["name"] == shown
    assert shell.first(found[::-1])["name"] == shown


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        (("Forecast", "Bath/bakery-01"), "Forecast · Bath/bakery-01 · Forecast Copilot"),
        (("Portfolio", ""), "Portfolio · Forecast Copilot"),
        (("Forecast", "a\nb\tc"), "Forecast · a b c · Forecast Copilot"),
        (("Forecast", "x" * 280), f"Forecast · {'x' * 59}… · Forecast Copilot"),
    ],
)
def test_a_tab_has_the_title_of_its_page(monkeypatch: pytest.MonkeyPatch, parts: tuple[str, ...], told: str) -> None:
    """On one line, whatever a series is called."""
    titles: list[str] = []
    monkeypatch.setattr("streamlit.set_page_config", lambda page_title: titles.append(page_title))
    shell.tab(*parts)
    assert titles == [told]
