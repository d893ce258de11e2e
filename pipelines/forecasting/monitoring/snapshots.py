"""Stored monitoring results: one immutable directory per monitoring, and a pointer to the newest.

The pointer is separate from that of the aliases, so that a monitoring never causes a conflict when an alias is moved.
"""

import contextlib
from dataclasses import dataclass, field
from typing import Self

import pandas as pd

from pipelines.core.errors import NotFound, StoreError
from pipelines.core.figures import stamp
from pipelines.core.names import new_version
from pipelines.forecasting.monitoring import bias as biases
from pipelines.forecasting.monitoring import drift as drifts
from pipelines.forecasting.monitoring import summary
from pipelines.forecasting.monitoring.accuracy import COLUMNS
from pipelines.forecasting.monitoring.comparison import Verdict
from pipelines.forecasting.monitoring.origins import Judged
from pipelines.forecasting.records import Key, Past
from pipelines.forecasting.records import Monitoring as Summary
from pipelines.forecasting.thresholds import Monitoring
from pipelines.runs.recording import digest
from pipelines.storage.catalog import Dataset, Reader
from pipelines.storage.folders import Folder
from pipelines.storage.pointers import CurrentMonitoring
from pipelines.storage.store import Draft, Stores
from pipelines.tables.schema import UNIQUE_ID

REPORT = "report.html"
SERIES = [UNIQUE_ID, "status", "since"]
_TABLES = ("accuracy", "groups", "bias", "group_bias", "drift", "series")
_NEWER = "group_bias"  # a table that the first monitorings lack
_KEPT = 400  # monitorings in the history


@dataclass(frozen=True)
class Snapshot:
    """One monitoring: its stored tables and `summary.json`; None if nothing was monitored yet."""

    judged: Judged = field(default_factory=Judged.nothing)
    accuracy: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=COLUMNS))
    groups: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["by", "group", *COLUMNS[1:]]))
    bias: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=biases.COLUMNS))
    group_bias: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=biases.COLUMNS))
    drift: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=drifts.COLUMNS))
    series: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=SERIES))
    summary: Summary | None = None
    verdicts: tuple[Verdict, ...] = ()

    @classmethod
    def newest(cls, reader: Reader, workspace: str) -> Self:
        """The latest snapshot, or an empty one."""
        try:
            folder = reader.monitoring(workspace)
        except NotFound:
            return cls()
        told = Summary.of(folder)

        def read(name: str) -> pd.DataFrame:
            return folder.read_parquet(f"{name}.parquet")

        accuracy, groups, bias, drift, series = (read(name) for name in _TABLES if name != _NEWER)
        series = _dated(reader, workspace, folder.name, series, pd.Timestamp(told.as_of).tz_localize(None))
        group_bias = read(_NEWER) if f"{_NEWER}.parquet" in folder.files else cls().group_bias
        judged = Judged(read("origins"), read("group_origins"), read("rivals"), bias, group_bias, told.bias_to)
        return cls(judged, accuracy, groups, bias, group_bias, drift, series, told)

    def draft(self, stores: Stores, key: Key, now: pd.Timestamp, raised: int) -> Draft:
        """A directory with all results, not yet finished."""
        told = self.summary
        if told is None:
            raise ValueError("there is no monitoring to store")
        draft = stores.artifacts.draft(stores.places(told.workspace).monitoring(new_version()))
        tables = {"origins": self.judged.series, "group_origins": self.judged.groups, "rivals": self.judged.rivals}
        for name, table in {**tables, **{name: getattr(self, name) for name in _TABLES}}.items():
            draft.write_parquet(f"{name}.parquet", table)
        named = {"monitoring_id": draft.name, "at": stamp(now)}
        point = Past(**named, as_of=told.as_of, status=told.status, counts=told.counts, raised=raised)
        history = [*told.history, point][-_KEPT:]
        whole = {**named, "key": key, "bias_to": self.judged.bias_to, "history": history}
        draft.write_record(told.model_copy(update=whole))
        return draft


def _dated(
    reader: Reader, workspace: str, monitoring_id: str, series: pd.DataFrame, as_of: pd.Timestamp
) -> pd.DataFrame:
    """The table of series; if all its dates are `as_of`, they are derived again from the stored monitorings.

    The last release dated every status with the date of the monitoring.
    """
    if not (series[summary.SINCE] == as_of).all():
        return series
    dated = pd.DataFrame(columns=SERIES)
    names = reader.artifacts.folders(reader.places(workspace).monitorings)
    for name in (one for one in names if one <= monitoring_id):
        table = reader.monitoring(workspace, name).read_parquet("series.parquet")
        dated = summary.with_since(table, dated, table[summary.SINCE].max())
    return dated


def key(reader: Reader, workspace: str, run: Folder, dataset: Dataset, settings: Monitoring) -> Key:
    """The inputs of a monitoring: equal inputs give equal results."""
    sets = reader.forecast_sets(workspace)
    return Key(
        run_id=run.name,
        aliases={name: alias.run_id for name, alias in reader.pointers(workspace).aliases.items()},
        data_version=dataset.version,
        forecast_id=sets[-1] if sets else None,
        settings_hash=digest(settings.model_dump(mode="json")),
    )


def publish(stores: Stores, workspace: str, draft: Draft, as_of: str) -> Folder:
    """Finishes the monitoring and points to it; readers see either the previous one or this one."""
    folder = draft.publish()
    stores.artifacts.move_pointer(
        stores.places(workspace).current_monitoring,
        CurrentMonitoring,
        lambda now: now.changed(monitoring_id=folder.name, as_of=as_of),
    )
    return folder


def tidy(stores: Stores, workspace: str, keep: int) -> list[str]:
    """Removes all but the newest `keep` monitorings and abandoned unfinished ones; returns the names of the former.

    Monitoring continues from the newest one, which holds the history, the timeline, the evaluated forecast sets and the
    states of CUSUM and hysteresis; the others are only kept for review. The one pointed to is never removed.
    """
    store, places, pointed = stores.artifacts, stores.places(workspace), stores.monitored(workspace)
    store.sweep(places.monitorings)
    old = [name for name in store.folders(places.monitorings)[:-keep] if name != pointed]
    for name in old:
        with contextlib.suppress(StoreError):  # another process may tidy up at the same time
            store.remove(places.monitoring(name))
    return old
