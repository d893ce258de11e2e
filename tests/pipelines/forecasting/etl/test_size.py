"""Grids out of proportion to their rows: refused before they are made, with the dates that make them so."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest

from pipelines.core.errors import DataError
from pipelines.forecasting import frequency
from pipelines.forecasting.etl import clean, load
from pipelines.forecasting.etl.clean import Cleaned
from pipelines.forecasting.settings import Workspace
from pipelines.tables.limits import Limits

NOW = pd.Timestamp("2026-01-01")


def cleaned(rows: list[tuple[str, str, float]], alias: str, **settings: object) -> Cleaned:
    """What the ETL makes of rows of series, date and value."""
    given = {"name": "w", "source": {"kind": "file"}, "frequency": alias, **settings}
    frame = pd.DataFrame(rows, columns=["id", "ds", "y"])
    workspace = Workspace.model_validate(given)
    return clean.clean(load.load(frame, workspace), workspace, NOW)


def days(start: str, n: int, name: str = "a") -> list[tuple[str, str, float]]:
    return [(name, f"{ds:%Y-%m-%d %H:%M:%S}", 1.0 + at % 7) for at, ds in enumerate(pd.date_range(start, periods=n))]


@pytest.mark.parametrize(
    ("rows", "alias"),
    [
        ([("a", "1780-01-01", 1), ("a", "2060-01-01", 2)], "min"),
        ([("a", "1780-01-01", 1), ("a", "2060-01-01", 2)], "s"),
        ([("a", "2024-01-01", 1), ("a", "2024-01-02", 2)], "ns"),
        ([("a", "1995-01-01", 1), ("b", "1995-01-01", 2), ("a", "2025-01-01", 3), ("b", "2025-01-01", 4)], "min"),
        ([("a", "1900-01-01", 5), *days("2024-01-01", 300)], "D"),
        ([*days("2024-01-01", 300), ("a", "2099-01-01", 5), *days("2024-01-01", 300, "b")], "D"),
        ([*days("2024-01-01", 300), ("a", "1900-01-01", 5)], "auto"),
        ([*days("2024-01-01", 300), ("a", "1960-01-01 05:00", 5)], "h"),
    ],
)
def test_a_date_far_from_all_others_is_named(rows: list[tuple[str, str, float]], alias: str) -> None:
    """Two rows centuries apart, one date of 1900 or 2099 in a daily file: series, dates and remedy, and no memory."""
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="'a' has no row between") as error:
            cleaned(rows, alias)
        assert tracemalloc.get_traced_memory()[1] < 64 * 2**20
    finally:
        tracemalloc.stop()
    for date in {rows[0][1][:10], max(rows, key=lambda row: row[1])[1][:10]} - {"2024-01-01", "2024-10-26"}:
        assert date in str(error.value)
    assert (error.value.code, error.value.field) == ("stray_date", "source.columns.ds")
    assert error.value.found["series"] == "a"
    assert "limits.gap" in error.value.remedy


@pytest.mark.parametrize("alias", ["min", "D", "MS", "auto"])
@pytest.mark.parametrize("clock", ["", " 05:00"])
def test_dates_further_apart_than_can_be_counted_are_named(alias: str, clock: str) -> None:
    """Centuries apart, in one series or in two, by the day or by the hour: no overflow, but the two dates."""
    for other in ("a", "b"):
        rows = [(other, f"1700-01-01{clock}", 5.0), *days("2024-01-01", 300), (other, f"2250-01-01{clock}", 5.0)]
        with pytest.raises(DataError, match=f"from 1700-01-01.*'{other}'.* to 2250-01-01.*'{other}'"):
            cleaned(rows, alias)


def sparse(series: int, gap: int) -> list[tuple[str, str, float]]:
    """Series with three rows, so many steps of a minute apart."""
    stamps = pd.date_range("2020-01-01", periods=3, freq=f"{gap}min")
    return [(f"s{number}", f"{ds:%Y-%m-%d %H:%M}", 1.0) for number in range(series) for ds in stamps]


@pytest.mark.parametrize(("setting", "limits"), [("added", {"added": 300_000}), ("steps", {"steps": 300_000})])
def test_many_thin_series_are_refused_by_their_sum(setting: str, limits: dict[str, int]) -> None:
    """No date is odd, but the grid has a hundred thousand steps for each row; raising the named limit lets it through."""
    rows = sparse(40, 4_000)
    with pytest.raises(DataError, match=f"raise limits.{setting}") as error:
        cleaned(rows, "min", limits=limits)
    assert (error.value.code, error.value.field) == ("too_many_steps", "frequency")
    assert "'s0' with 3 rows from 2020-01-01 to 2020-01-06 13:20" in str(error.value)
    assert "320,040 steps" in str(error.value) or "319,920 steps without a row" in str(error.value)
    assert len(cleaned(rows, "min", limits={"added": 400_000}).observations) == 40 * 8_001


def test_edges_that_are_filled_count() -> None:
    """A short series in a long panel becomes as long as the panel where `missing.edges` says so."""
    rows = [*days("2000-01-01", 9_000), *(row for n in range(50) for row in days("2024-01-01", 2, f"s{n}"))]
    assert len(cleaned(rows, "D").observations) == 9_100
    with pytest.raises(DataError, match="steps without a row") as error:
        cleaned(rows, "D", missing={"edges": "zero"}, limits={"added": 100_000})
    assert error.value.code == "too_many_steps"


def test_the_largest_panels_that_are_known_pass() -> None:
    """30,490 series of 1,941 days, 100,000 of three years, and a panel of which nine of ten rows are left out."""
    limits = Limits()
    assert limits.steps > 30_490 * 1_941
    assert limits.steps > 100_000 * 1_096
    rows = [row for name in ("a", "b") for row in days("2010-01-01", 3_000, name)[::10]]
    assert len(cleaned(rows, "D", limits={"added": 1}).observations) == 5_982


def test_a_pause_that_is_in_proportion_is_a_gap_and_no_stray() -> None:
    """A sensor that was away for five years, with years before and after; a shop's sales once a year."""
    paused = [*days("2005-01-01", 1_500), *days("2024-01-01", 700)]
    assert len(cleaned(paused, "D").observations) == 7_639
    yearly = [("a", f"{year}-06-01", 1.0) for year in range(1990, 2024)]
    assert len(cleaned(yearly, "D").observations) == 12_054


@pytest.mark.parametrize("alias", ["15min", "h", "D", "2D", "B", "W-SUN", "2W-MON", "MS", "ME", "QS", "YE"])
def test_places_and_points_are_the_grid(alias: str) -> None:
    """Counting steps gives what making the whole grid gives."""
    grid = pd.date_range("2019-12-01", periods=60, freq=frequency.parse(alias))
    some = np.array([0, 3, 4, 17, 59])
    assert frequency.places(pd.Series(grid[some]), grid[0], alias).tolist() == some.tolist()
    assert frequency.points(some, grid[0], alias).tolist() == grid[some].tolist()
