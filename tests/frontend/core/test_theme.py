"""What all figures share: colours that can be read, by the ratios of WCAG 2.2, titles and buttons."""

import tomllib
from typing import Any

import pandas as pd
import pytest

from frontend.core import theme
from frontend.forecast import charts
from tests.frontend.conftest import ROOT

TEXT, GRAPHIC = 4.5, 3.0  # the least ratios of level AA: 1.4.3 and 1.4.11
FADED = 0.6  # of the text's colour, in captions, placeholders and heads of tables; Streamlit's own

CONFIG: dict[str, Any] = tomllib.loads((ROOT / ".streamlit/config.toml").read_text(encoding="utf-8"))["theme"]
SCHEMES = {"light": theme.LIGHT, "dark": theme.DARK}


def channels(colour: str) -> list[float]:
    return [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]


def over(colour: str, below: str, opacity: float) -> list[float]:
    return [opacity * a + (1 - opacity) * b for a, b in zip(channels(colour), channels(below), strict=True)]


def ratio(one: list[float], other: list[float]) -> float:
    """Of the relative luminances."""

    def luminance(found: list[float]) -> float:
        linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in found]
        return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def papers(kind: str) -> list[str]:
    """What text stands on."""
    found = CONFIG[kind]
    return [found["backgroundColor"], found["secondaryBackgroundColor"], found["sidebar"]["backgroundColor"]]


def test_the_ratio_is_that_of_the_standard() -> None:
    """Black on white has 21, and the lightest grey that passes on white is #767676."""
    assert ratio(channels("#000000"), channels("#FFFFFF")) == pytest.approx(21)
    assert ratio(channels("#767676"), channels("#FFFFFF")) >= TEXT > ratio(channels("#777777"), channels("#FFFFFF"))


@pytest.mark.parametrize("kind", SCHEMES)
def test_text_can_be_read_also_where_it_is_faded(kind: str) -> None:
    """On the page, in fields and in the sidebar; and links and what is chosen, in the primary colour."""
    for paper in papers(kind):
        assert ratio(over(CONFIG[kind]["textColor"], paper, FADED), channels(paper)) >= TEXT, paper
    page = CONFIG[kind]["backgroundColor"]
    assert ratio(channels(CONFIG[kind]["primaryColor"]), channels(page)) >= TEXT


@pytest.mark.parametrize("kind", SCHEMES)
def test_charts_have_the_colours_of_the_page(kind: str) -> None:
    """The two places agree."""
    assert SCHEMES[kind].text == CONFIG[kind]["textColor"]
    assert SCHEMES[kind].paper == CONFIG[kind]["backgroundColor"]
    assert list(theme.PALETTE) == CONFIG["chartCategoricalColors"]
    assert theme.scheme(kind) is SCHEMES[kind]
    assert theme.scheme(None) is theme.LIGHT


@pytest.mark.parametrize("kind", SCHEMES)
def test_lines_stand_out_from_the_page(kind: str) -> None:
    """Every colour of the palette, in light and in dark."""
    for colour in theme.PALETTE:
        assert ratio(channels(colour), channels(SCHEMES[kind].paper)) >= GRAPHIC, colour


@pytest.mark.parametrize("kind", SCHEMES)
def test_numbers_in_cells_and_on_buttons_can_be_read(kind: str) -> None:
    """On each fill of the heat map, and on a button that is pressed or not."""
    found = SCHEMES[kind]
    for fill in (*found.fills.values(), found.button, found.pressed):
        assert ratio(channels(found.text), channels(fill)) >= TEXT, fill
    assert len(set(found.fills.values())) == len(found.fills)


def test_a_title_is_in_the_figure_and_shows_a_name_as_it_is(history: pd.DataFrame, forecast: pd.DataFrame) -> None:
    """So an exported picture says what it shows; a name is no link, and a long one does not run out of it."""
    figure = theme.titled(charts.fan(history, forecast, "pieces"), "<a href='//x'>x</a> · Forecast", "pieces & more")
    assert "&lt;a href='//x'&gt;x&lt;/a&gt; · Forecast" in figure.layout.title.text
    assert "pieces &amp; more" in figure.layout.title.text
    long = theme.titled(charts.fan(history, forecast, ""), "x" * 280, "y " * 200)
    lines = long.layout.title.text.split("<br>")
    assert len(lines) == 4
    assert long.layout.height > figure.layout.height
    assert long.layout.margin.t > figure.layout.margin.t


@pytest.mark.parametrize("colours", [theme.LIGHT, theme.DARK])
def test_buttons_and_texts_have_the_colours_of_the_page(
    history: pd.DataFrame, forecast: pd.DataFrame, colours: theme.Scheme
) -> None:
    """The one that is pressed too."""
    figure = theme.dressed(charts.fan(history, forecast, ""), colours)
    selector = figure.layout.xaxis.rangeselector
    assert (selector.font.color, selector.activecolor, selector.bgcolor) == (
        colours.text, colours.pressed, colours.button
    )  # fmt: skip
    assert figure.layout.font.color == figure.layout.xaxis.tickfont.color == colours.text
    assert figure.layout.paper_bgcolor == colours.paper
