"""What a page of the web app shows, read from Streamlit's own test of it."""

import json
from typing import Any, cast

from streamlit.testing.v1 import AppTest


def texts(app: AppTest) -> str:
    """All that a page says."""
    kinds = ("title", "caption", "markdown", "info", "warning", "error", "success", "header", "subheader", "code")
    found = [cast("Any", element).value for kind in kinds for element in app.get(kind)]
    return "\n".join([*map(str, found), *(f"{metric.label}: {metric.value}" for metric in app.metric)])


def figure(app: AppTest, place: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(app.get("plotly_chart")[place].proto.spec)
    return found


def traces(app: AppTest, place: int = 0) -> set[str]:
    return {trace.get("name", "") for trace in figure(app, place)["data"]}
