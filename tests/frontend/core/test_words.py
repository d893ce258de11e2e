"""Numbers, dates and reasons as people read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from frontend.core import words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (float("nan"), "–"),
        (0.0, "0"),
        (0.1234, "0.123"),
        (-3.14159, "-3.14"),
        (99.96, "100"),
        (1234.5, "1,234"),
        (81_800.0, "81.8k"),
        (1_234_567.0, "1.23M"),
        (-2.5e9, "-2.5bn"),
    ],
)
def test_a_number_has_the_digits_that_mean_something(value: float | None, text: str) -> None:
    """And separators or a letter for its size."""
    assert words.number(value) == text


@given(st.floats(-1e12, 1e12))
def test_a_number_reads_back_within_one_percent(value: float) -> None:
    """Whatever its size; no text is longer than a tile."""
    text = words.number(value)
    size = {"k": 1e3, "M": 1e6, "bn": 1e9}
    letter = next((name for name in size if text.endswith(name)), "")
    assert float(text.removesuffix(letter).replace(",", "")) * size.get(letter, 1) == pytest.approx(value, rel=0.01)
    assert len(text) <= 11


@pytest.mark.parametrize(
    ("value", "metric", "text"),
    [
        (0.632, "smape", "63.2 %"),
        (0.006, "coverage_80", "0.6 %"),
        (-0.05, "skill", "−5.0 %"),
        (0.734, "mase", "0.734"),
        (None, "wape", words.NOTHING),
        (None, None, words.NOTHING),
    ],
)
def test_a_figure_has_the_unit_of_its_metric(value: float | None, metric: str | None, text: str) -> None:
    """Shares in percent, with a digit more than a rough one; everything else as a number."""
    assert words.figure(value, metric) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (None, "–"),
        (float("nan"), "–"),
        (0.0, "0 %"),
        (0.123, "12 %"),
        (-0.05, "−5 %"),
        (-0.001, "0 %"),
        (12.0, "1,200 %"),
    ],
)
def test_a_share_is_told_in_percent(share: float | None, text: str) -> None:
    """However large; what rounds to nothing has no sign."""
    assert words.percent(share) == text


@pytest.mark.parametrize(
    ("share", "text", "arrow"),
    [
        (None, "–", "off"),
        (float("nan"), "–", "off"),
        (0.0, "0.0 %", "off"),
        (0.0004, "0.0 %", "off"),
        (-0.0004, "0.0 %", "off"),
        (0.042, "+4.2 %", "up"),
        (-0.023, "−2.3 %", "down"),
        (-0.0006, "−0.1 %", "down"),
        (12.0, "13×", "up"),
        (-12.0, "−1,200.0 %", "down"),
    ],
)
def test_a_change_points_where_it_goes(share: float | None, text: str, arrow: str) -> None:
    """Also on a tile, which takes the direction from the first sign of the text."""
    assert words.change(share) == text
    given = words.delta(share)

    def tile() -> None:
        import streamlit as st

        from frontend.core import words

        st.metric("x", 1, **words.delta(st.session_state["share"]))

    app = AppTest.from_function(tile)
    app.session_state["share"] = share
    (metric,) = app.run().metric
    shown = {0: "down", 1: "up"}[metric.proto.direction] if given["delta_arrow"] == "auto" else "off"
    assert shown == arrow
    assert "\u2212" not in (given["delta"] or "")


@pytest.mark.parametrize(
    ("ds", "text"),
    [(None, "–"), ("2024-06-01", "Sat 1 Jun 2024"), ("2024-10-27T01:30:00+01:00", "Sun 27 Oct 2024, 01:30")],
)
def test_a_step_is_told_by_the_clock_of_its_zone(ds: str | None, text: str) -> None:
    """A day without a time, a shorter step with it."""
    assert words.day(ds) == text


@pytest.mark.parametrize(
    ("days", "text"),
    [
        (0.05, "1 hour old"),
        (0.5, "12 hours old"),
        (1.5, "36 hours old"),
        (3.2, "3 days old"),
        (100, "3 months old"),
        (9500, "26 years old"),
    ],
)
def test_an_age_is_told_by_its_largest_unit(days: float, text: str) -> None:
    """From two of them on."""
    assert words.age(days) == text


def test_reasons_are_told_in_their_order_and_a_share_is_none() -> None:
    """What a series is called goes first; a change too small to tell is none either."""
    reasons = [
        {"kind": "on_year", "value": 0.41, "percentile": 0.99, "status": None},
        {"kind": "error", "value": 1.8, "percentile": 0.9, "status": None},
        {"kind": "share", "value": 0.002, "percentile": 0.4, "status": None},
    ]
    assert words.why(reasons, "forecast") == "forecast 41 % above last year · error 1.8× the typical"
    assert words.why(reasons[2:], "forecast") == "nothing unusual"
    assert words.why([], "new") == "new since the last training"
    assert words.why(reasons[:1], "ended") == "no values any more · forecast 41 % above last year"


@pytest.mark.parametrize(
    ("kind", "value", "told"),
    [
        ("on_period", -0.968, "forecast 97 % below the last period"),
        ("since_previous", 2.0, "forecast 3 times the previous forecast"),
        ("on_year", 0.001, "nothing unusual"),
        ("worse_than_baseline", -0.24, "error 24 % above that of the seasonal naive"),
        ("stale", 9.0, "no values for the last 9 days"),
    ],
)
def test_each_reason_names_what_it_is_compared_with(kind: str, value: float, told: str) -> None:
    """With its figure."""
    assert words.why([{"kind": kind, "value": value, "percentile": 1.0, "status": None}], "forecast") == told


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        (("worse", 2.13, None), "forecasts worse than in the backtest since Sun 3 Mar 2024 (MAE 2.1×)"),
        (("leaning", -7.0, None), "forecasts too high since Sun 3 Mar 2024"),
        (("uncovered", 0.186, None), "intervals cover 19 points too little since Sun 3 Mar 2024"),
        (("drifted", 3.0, "price"), "its input price has drifted since Sun 3 Mar 2024 (PSI 3× its threshold)"),
        (("drifted", 3.0, "y"), "its values have drifted since Sun 3 Mar 2024 (PSI 3× its threshold)"),
    ],
)
def test_what_monitoring_found_is_always_said(reason: tuple[str, float, str | None], told: str) -> None:
    """First, and however many series are like that."""
    kind, value, feature = reason
    found = {
        "kind": kind,
        "value": value,
        "percentile": 0.1,
        "status": "warn",
        "since": "2024-03-03",
        "feature": feature,
    }
    other = {"kind": "on_year", "value": 0.41, "percentile": 0.99, "status": None}
    assert words.why([other, found], "forecast") == f"{told} · forecast 41 % above last year"


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        (("forecast", "shop", "Ash/tea"), "forecast-shop-Ash-tea"),
        (("forecast", "shop", "Elm/Gruyère ☃ 日本"), "forecast-shop-Elm-Gruyère-日本"),
        (("forecast", "shop", "../../etc/passwd"), "forecast-shop-etc-passwd"),
        (("drift", "shop", ""), "drift-shop"),
        (("forecast", "shop", "x" * 280), f"forecast-shop-{'x' * 66}"),
    ],
)
def test_a_file_is_named_by_what_is_in_it(parts: tuple[str, ...], name: str) -> None:
    """So that any system takes the name."""
    assert words.file_name(*parts) == name
