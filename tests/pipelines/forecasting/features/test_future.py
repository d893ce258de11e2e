from dataclasses import replace

import pandas as pd
import pytest

from pipelines.core.errors import ConfigError, DataError
from pipelines.forecasting.features import future
from pipelines.forecasting.panel import Panel
from tests.support import factories


def priced(known: dict[str, list[float | None]], season_length: int = 3) -> Panel:
    """Series a with prices 1 … 5 and b with 10 … 50, five days each, and what is known of the days after."""
    days = pd.date_range("2024-01-01", periods=9)
    history = [
        pd.DataFrame({"unique_id": name, "ds": days[:5], "y": 1.0, "price": [scale * n for n in (1.0, 2, 3, 4, 5)]})
        for name, scale in (("a", 1), ("b", 10))
    ]
    ahead = [
        pd.DataFrame({"unique_id": name, "ds": days[5 : 5 + len(prices)], "price": prices})
        for name, prices in known.items()
    ]
    known_rows = pd.concat(ahead, ignore_index=True).astype({"price": float}) if ahead else None
    return Panel(pd.concat(history, ignore_index=True), "D", (season_length,), ("price",), known=known_rows)


def prices(panel: Panel) -> dict[str, list[float]]:
    assert panel.known is not None
    return {str(name): rows["price"].tolist() for name, rows in panel.known.groupby("unique_id")}


@pytest.mark.parametrize("policy", ["error", "previous", "seasonal"])
def test_what_is_known_is_never_replaced(policy: future.Policy) -> None:
    """With every step given, all policies give the same; steps beyond the horizon are left out."""
    panel = priced({"a": [7, 8, 9], "b": [70, 80, 90]})
    assert prices(future.complete(panel, 2, ["price"], policy)) == {"a": [7, 8], "b": [70, 80]}


@pytest.mark.parametrize(
    ("policy", "season_length", "expected"),
    [
        ("previous", 3, {"a": [7, 5, 5, 5], "b": [50, 50, 50, 50]}),
        ("seasonal", 3, {"a": [7, 4, 5, 3], "b": [30, 40, 50, 30]}),
        ("seasonal", 1, {"a": [7, 5, 5, 5], "b": [50, 50, 50, 50]}),
        ("seasonal", 7, {"a": [7, 5, 1, 2], "b": [50, 50, 10, 20]}),
    ],
)
def test_a_missing_step_is_filled_from_the_history(
    policy: future.Policy, season_length: int, expected: dict[str, list[float]]
) -> None:
    """The last value, or that of a season ago; where the history is shorter than a season, the last value."""
    panel = priced({"a": [7, None]}, season_length)
    assert prices(future.complete(panel, 4, ["price"], policy)) == expected


def test_a_hole_at_the_end_of_the_history_takes_the_value_before_it() -> None:
    """The last price is not known: the one before it still holds."""
    panel = priced({})
    history = panel.history.assign(price=panel.history["price"].where(panel.history["ds"] < "2024-01-05"))
    filled = future.complete(replace(panel, history=history), 2, ["price"], "previous")
    assert prices(filled) == {"a": [4, 4], "b": [40, 40]}


@pytest.mark.parametrize("known", [{}, {"a": [7, 8]}, {"a": [7, 8], "b": [None, 9]}])
def test_the_error_names_covariate_series_and_dates(known: dict[str, list[float | None]]) -> None:
    """Whether the rows lack, or only their values; and the two remedies are told."""
    with pytest.raises(DataError, match=r"price are missing .*b from 2024-01-06 to .* missing\.future"):
        future.complete(priced(known), 2, ["price"], "error")


def eventful(known: list[tuple[int, str | None]], past: tuple[str | None, ...] = (None, "fair", None)) -> Panel:
    """A series of three days with an event or none, and what is known of the days after it: day and event."""
    history = pd.DataFrame(
        {"unique_id": "a", "ds": pd.date_range("2024-01-01", periods=3), "y": 1.0, "event": list(past)}
    )
    ahead = pd.DataFrame(
        {
            "unique_id": "a",
            "ds": [pd.Timestamp("2024-01-03") + pd.Timedelta(days=day) for day, _ in known],
            "event": pd.Series([event for _, event in known], dtype=object),
        }
    )
    return Panel(history, "D", (2,), ("event",), known=ahead)


def events(panel: Panel) -> list[str | None]:
    assert panel.known is not None
    return [None if pd.isna(event) else event for event in panel.known["event"]]


@pytest.mark.parametrize("policy", ["error", "previous", "seasonal"])
def test_a_day_without_an_event_is_known_where_there_is_a_row(policy: future.Policy) -> None:
    """An empty text says that nothing is on, as it does in the history; no policy puts an event there."""
    panel = eventful([(1, None), (2, "fair"), (3, None)], past=("fair", "fair", "fair"))
    assert events(future.complete(panel, 3, ["event"], policy)) == [None, "fair", None]


def test_a_day_without_a_row_is_not_known() -> None:
    """The plan ends after a day: what comes then is missing, also of a text."""
    with pytest.raises(DataError, match=r"event are missing for 2 forecast steps .*a from 2024-01-05 to 2024-01-06"):
        future.complete(eventful([(1, "fair")]), 3, ["event"], "error")


@pytest.mark.parametrize(
    ("policy", "expected"),
    [("previous", ["sale", None, None]), ("seasonal", ["sale", None, "fair"])],
)
def test_a_day_without_an_event_is_repeated_as_such(policy: future.Policy, expected: list[str | None]) -> None:
    """The last day had no event, the one before it a fair: the fair does not go on until somebody ends it."""
    assert events(future.complete(eventful([(1, "sale")]), 3, ["event"], policy)) == expected


def test_nothing_to_complete_leaves_the_panel_as_it_is() -> None:
    """Models without covariates need no rows ahead."""
    panel = factories.panel()
    assert future.complete(panel, 3, [], "error") is panel


def test_holidays_are_known_over_history_and_horizon() -> None:
    """New Year's Day in the history and the day itself a year ahead; other days have none."""
    panel = factories.panel(n=366, ids=("a", "b"))  # all of 2024
    found = future.add_holidays(panel, 2, "GB", None, "Europe/London")
    assert found.future == ("holiday",)
    assert found.known is not None
    for rows in (found.history, found.known):
        of_a = rows[rows["unique_id"] == "a"].set_index("ds")["holiday"]
        assert of_a[of_a.notna()].index.strftime("%d %b").tolist()[0] == "01 Jan"
    assert found.known["holiday"].notna().tolist() == [True, False] * 2
    assert panel.future == ()


def test_holidays_join_what_the_source_knew() -> None:
    """Prices ahead stay; the steps that only the calendar knows have none."""
    found = future.add_holidays(priced({"a": [7]}), 2, "GB", None, "UTC")
    assert found.known is not None
    assert found.known["price"].fillna(0).tolist() == [7, 0, 0, 0]
    assert found.future == ("price", "holiday")


def test_without_a_country_there_are_no_holidays() -> None:
    """The panel is handed on unchanged."""
    panel = factories.panel()
    assert future.add_holidays(panel, 2, None, None, "UTC") is panel


def test_a_covariate_of_the_calendars_name_is_refused() -> None:
    """Two columns of one name would be one of them lost."""
    panel = factories.panel()
    clash = replace(panel, history=panel.history.assign(holiday=0.0), future=("holiday",))
    with pytest.raises(ConfigError, match="Take it out of covariates"):
        future.add_holidays(clash, 2, "GB", None, "UTC")
