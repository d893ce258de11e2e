"""What monitoring's tables come to: the most severe status of each series, and since when."""

from pathlib import Path

import pandas as pd

from pipelines.forecasting.monitoring import bias, drift, snapshots, summary
from pipelines.forecasting.monitoring.accuracy import COLUMNS
from pipelines.forecasting.monitoring.snapshots import Snapshot
from pipelines.forecasting.records import Key
from pipelines.storage.store import Store, Stores
from tests.support import records

NOTHING = pd.DataFrame(columns=snapshots.SERIES)
DAYS = [pd.Timestamp(day) for day in ("2024-09-02", "2024-09-09", "2024-09-16", "2024-09-23", "2024-09-30")]


def monitored(as_of: pd.Timestamp, before: pd.DataFrame, **statuses: str) -> pd.DataFrame:
    """The table of one monitoring, in which the errors of series are in these statuses; nothing drifts."""
    ids = list(statuses)
    errors = pd.DataFrame({"unique_id": ids, "metric": "mae", "window": 1, "value": 1.0, "baseline": 1.0})
    errors = errors.assign(as_of=as_of, status=statuses.values(), n=3, p_value=0.5, calm=0)[COLUMNS]
    leaning = pd.DataFrame({"unique_id": ids, "up": 0.0, "down": 0.0, "status": "ok"}).reindex(columns=bias.COLUMNS)
    drifted = pd.DataFrame({"unique_id": ids, "feature": "y", "psi": 0.1, "threshold": 0.2, "status": "ok"})
    return summary.series(errors, leaning, drifted.assign(as_of=as_of).reindex(columns=drift.COLUMNS), before)


def since(table: pd.DataFrame, column: str = "since") -> dict[str, str]:
    return {name: f"{date:%m-%d}" for name, date in zip(table["unique_id"], table[column], strict=True)}


def test_a_status_lasts_since_the_monitoring_that_found_it_first() -> None:
    """Whatever was found of other series or of other kinds in the meantime, and however often a date is looked at."""
    told = [("ok", "ok"), ("alert", "ok"), ("alert", "warn"), ("alert", "warn"), ("alert", "ok")]
    table = NOTHING
    for day, (a, b) in zip(DAYS, told, strict=True):
        table = monitored(day, table, a=a, b=b)
        table = monitored(day, table, a=a, b=b)
    assert since(table) == {"a": "09-09", "b": "09-30"}
    assert since(table, "error_since") == {"a": "09-09", "b": "09-30"}
    assert since(table, "drift_since") == {"a": "09-02", "b": "09-02"}


def test_a_status_that_comes_back_and_a_series_that_is_new_begin_again() -> None:
    """Neither has the date of something else."""
    table = monitored(DAYS[0], NOTHING, a="alert")
    table = monitored(DAYS[1], table, a="ok")
    table = monitored(DAYS[2], table, a="alert", b="alert")
    assert since(table) == {"a": "09-16", "b": "09-16"}
    assert since(monitored(DAYS[3], table, a="alert", b="alert")) == {"a": "09-16", "b": "09-16"}


def test_dates_of_the_last_release_are_found_again_from_the_monitorings_that_are_kept(tmp_path: Path) -> None:
    """Each of them said that everything began with it; the next monitoring goes on from the true dates."""
    reader = Stores(Store(str(tmp_path / "data")), Store(str(tmp_path / "artifacts")))
    for day, a in zip(DAYS, ("ok", "alert", "alert", "alert", "alert"), strict=True):
        table = monitored(day, NOTHING, a=a, b="ok")  # as if nothing had been before
        told = records.monitoring("shop", as_of=f"{day:%Y-%m-%dT%H:%M:%SZ}")
        draft = Snapshot(series=table, summary=told).draft(reader, Key(), day, 0)
        snapshots.publish(reader, "shop", draft, told.as_of)
    found = Snapshot.newest(reader, "shop").series
    assert since(found) == {"a": "09-09", "b": "09-02"}
    assert since(monitored(DAYS[-1] + pd.Timedelta(days=7), found, a="alert", b="warn")) == {"a": "09-09", "b": "10-07"}


def test_the_feature_that_is_named_is_the_one_that_the_status_comes_from() -> None:
    """Not one that is farther beyond its threshold, but has too few values, or is only in warning."""
    rows = [
        ("a", "y", 0.9, 0.3, "alert"),
        ("a", "price", 0.9, 0.1, "warn"),
        ("a", "few", 9.0, 0.1, "insufficient"),
        ("b", "y", 0.1, 0.2, "ok"),
    ]
    drifted = pd.DataFrame(rows, columns=["unique_id", "feature", "psi", "threshold", "status"])
    assert dict(summary._most_drifted(drifted)["feature"]) == {"a": "y", "b": "y"}
    figures = {one.feature: one for one in summary.features(drifted)}
    assert (figures["y"].alert, figures["y"].ok, figures["y"].psi_largest) == (1, 1, 0.9)
    assert (figures["few"].insufficient, figures["few"].psi_largest) == (1, None)
