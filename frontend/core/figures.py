"""Figures on a page: with a title, in the page's colours, and exported under a descriptive file name."""

from typing import Any

import plotly.graph_objects as go
import streamlit as st

from frontend.core import theme, words
from frontend.core.client import Json


def colours() -> theme.Scheme:
    """The colours of the page as the visitor sees it."""
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
    """Draws a figure of a workspace or of one of its series. `key`: the element's key, and the file name's start."""
    unit = (
        workspace["unit"] if figure.layout.yaxis.title.text == theme.drawn(workspace["unit"]) else ""
    )  # an error may have no unit
    about = " · ".join(part for part in (unit, workspace["title"]) if part)
    named = f"{series} · {title}" if series else title
    theme.dressed(theme.titled(figure, named, about), colours())
    file = words.file_name(key.replace("_", "-"), workspace["name"], series)
    into.plotly_chart(figure, key=key, config=theme.config(file), alt=alt or f"{named}. {about}.")
