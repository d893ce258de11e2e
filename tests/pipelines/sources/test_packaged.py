"""Packaged data: the dates that the libraries leave out are the right ones."""

from pathlib import Path
from typing import get_args

import pandas as pd
import pytest

from pipelines.forecasting import frequency
from pipelines.sources import Raw, packaged


def read(dataset: str) -> Raw:
    return packaged.build(packaged.Options.model_validate({"dataset": dataset}), Path()).read()


@pytest.mark.parametrize(
    ("dataset", "n", "first", "last"),
    [
        ("airpassengers", 144, "1949-01-01", "1960-12-01"),
        ("ausbeer", 211, "1956-01-01", "2008-07-01"),
        ("austres", 89, "1971-04-01", "1993-04-01"),
        ("co2", 2284, "1958-03-29", "2001-12-29"),
        ("elec_equip", 257, "1995-01-01", "2016-05-01"),
        ("lynx", 114, "1821-01-01", "1934-01-01"),
        ("macrodata", 203, "1959-01-01", "2009-07-01"),
        ("nile", 100, "1871-01-01", "1970-01-01"),
        ("sunspots", 2820, "1749-01-01", "1983-12-01"),
        ("taylor", 4032, "2000-06-05", "2000-08-27 23:30"),
        ("wineind", 176, "1980-01-01", "1994-08-01"),
        ("woolyrnq", 119, "1965-01-01", "1994-07-01"),
    ],
)
def test_series_cover_the_documented_period(dataset: str, n: int, first: str, last: str) -> None:
    """Length, first and last date are those of the libraries' documentation."""
    rows = read(dataset).rows
    assert rows.columns.tolist() == ["unique_id", "ds", "y"]
    assert rows["unique_id"].unique().tolist() == [dataset]
    assert (len(rows), rows["ds"].min(), rows["ds"].max()) == (n, pd.Timestamp(first), pd.Timestamp(last))
    assert frequency.infer(rows["ds"])[0].partition("-")[0] == packaged.SERIES[dataset].frequency.partition("-")[0]
    assert pd.notna(rows["y"].iloc[-1])


def test_taylor_has_quiet_nights_and_sundays() -> None:
    """With the right start, demand is lowest before dawn and lower on Sundays than on any working day."""
    rows = read("taylor").rows
    by_hour = rows.groupby(rows["ds"].dt.hour)["y"].mean()
    assert by_hour.idxmin() in (3, 4, 5)
    by_day = rows.groupby(rows["ds"].dt.dayofweek)["y"].mean()
    assert by_day.idxmin() == 6
    assert by_day[5] < by_day[:5].min()


def test_air_passengers_peak_in_summer() -> None:
    """With the right start, July or August is the busiest month of every year."""
    rows = read("airpassengers").rows
    peaks = rows.loc[rows.groupby(rows["ds"].dt.year)["y"].idxmax(), "ds"].dt.month
    assert set(peaks) <= {7, 8}


def test_own_dates_of_the_library_are_kept() -> None:
    """Where a library gives dates, they are the same as ours."""
    from statsmodels.datasets import co2, elec_equip

    assert read("co2").rows["ds"].tolist() == co2.load_pandas().data.index.tolist()
    assert read("elec_equip").rows["ds"].tolist() == elec_equip.load_pandas().data.index.tolist()


@pytest.mark.parametrize(
    ("panel", "series"),
    [
        ("monthly_classics", {"airpassengers", "elec_equip", "sunspots", "wineind"}),
        ("quarterly_classics", {"ausbeer", "austres", "macrodata", "woolyrnq"}),
    ],
)
def test_panels_hold_the_series_of_one_frequency(panel: str, series: set[str]) -> None:
    """A panel is its series one below the other, and the notes describe each."""
    raw = read(panel)
    assert set(raw.rows["unique_id"]) == series
    assert len(raw.rows) == sum(len(read(one).rows) for one in series)
    assert len(raw.notes) == len(series)


def test_every_allowed_name_has_its_facts() -> None:
    """What the options allow is what is described."""
    assert set(get_args(packaged.Dataset)) == {*packaged.SERIES, *packaged.PANELS}
