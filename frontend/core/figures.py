"""Figures on a page: under a title, in the colours of the page, and exported under a name that says what they show."""

from typing import Any

import plotly.graph_objects as go
import streamlit as st

from frontend.core import theme, words
from frontend.core.client import Json


def colours() -> theme.Scheme:
    """Those of the page as the visitor sees it."""
    return theme.scheme(st.context.theme.type)


def show(
    figure: go.Figure,
    key: str,
    title: str,
    workspace: Json,
    series: str = "",
    *,
    into: Any = st,
    alt: str | None = None,
) -> None:
    """Draws a figure of a workspace, or of one of its series. `key`: of its element, and what its file is called first."""
    unit = (
        workspace["unit"] if figure.layout.yaxis.title.text == theme.drawn(workspace["unit"]) else ""
    )  # an error may have none
    about = " · ".join(part for part in (unit, workspace["title"]) if part)
    named = f"{series} · {title}" if series else title
    theme.dressed(theme.titled(figure, named, about), colours())
    file = words.file_name(key.replace("_", "-"), workspace["name"], series)
    into.plotly_chart(figure, key=key, config=theme.config(file), alt=alt or f"{named}. {about}.")
