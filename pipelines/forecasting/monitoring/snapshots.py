"""What monitoring has found, as it is stored: one immutable directory a monitoring, and a pointer to the newest.

Its pointer is not that of the aliases: who moves an alias does not lose against a monitoring in between.
"""

import contextlib
from dataclasses import dataclass, field
from typing import Any, Self

import pandas as pd

from pipelines.core.errors import NotFound, StoreError
from pipelines.core.figures import stamp
from pipelines.forecasting.monitoring import bias as biases
from pipelines.forecasting.monitoring import drift as drifts
from pipelines.forecasting.monitoring import summary
from pipelines.forecasting.monitoring.accuracy import COLUMNS
from pipelines.forecasting.monitoring.comparison import Verdict
from pipelines.forecasting.monitoring.origins import Judged
from pipelines.forecasting.thresholds import Monitoring
from pipelines.runs.recording import digest
from pipelines.storage import pointers
from pipelines.storage.catalog import CURRENT, MONITORING, Dataset, Reader
from pipelines.storage.folders import Draft, Folder
from pipelines.storage.store import new_version
from pipelines.tables.schema import UNIQUE_ID

REPORT = "report.html"
SERIES = [UNIQUE_ID, "status", "since"]
_TABLES = ("accuracy", "groups", "bias", "group_bias", "drift", "series")
_NEWER = "group_bias"  # than the first monitorings, which do without it
_KEPT = 400  # monitorings that the history holds


@dataclass(frozen=True)
class Snapshot:
    """One monitoring: its tables as they are stored, and `summary.json`."""

    judged: Judged = field(default_factory=Judged.nothing)
    accuracy: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=COLUMNS))
    groups: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["by", "group", *COLUMNS[1:]]))
    bias: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=biases.COLUMNS))
    group_bias: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=biases.COLUMNS))
    drift: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=drifts.COLUMNS))
    series: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=SERIES))
    summary: dict[str, Any] = field(default_factory=dict)
    verdicts: tuple[Verdict, ...] = ()

    @classmethod
    def newest(cls, reader: Reader, workspace: str) -> Self:
        """The last one; one with nothing in it where there was none."""
        try:
            folder = reader.monitoring(workspace)
        except NotFound:
            return cls()
        told = folder.read_json("summary.json")

        def read(name: str) -> pd.DataFrame:
            return folder.read_parquet(f"{name}.parquet")

        accuracy, groups, bias, drift, series = (read(name) for name in _TABLES if name != _NEWER)
        series = _dated(reader, workspace, folder.name, series, pd.Timestamp(told["as_of"]).tz_localize(None))
        group_bias = read(_NEWER) if f"{_NEWER}.parquet" in folder.files else cls().group_bias
        judged = Judged(
            read("origins"), read("group_origins"), read("rivals"), bias, group_bias, told["bias_to"]
        )  # fmt: skip
        return cls(judged, accuracy, groups, bias, group_bias, drift, series, told)

    def draft(self, reader: Reader, key: dict[str, Any], now: pd.Timestamp, raised: int) -> Draft:
        """A directory with all of it, not yet finished."""
        told, draft = self.summary, reader.artifacts.draft(self.summary["workspace"], MONITORING, new_version())
        tables = {"origins": self.judged.series, "group_origins": self.judged.groups, "rivals": self.judged.rivals}
        for name, table in {**tables, **{name: getattr(self, name) for name in _TABLES}}.items():
            draft.write_parquet(f"{name}.parquet", table)
        named = {"monitoring_id": draft.parts[-1], "at": stamp(now)}
        point = {**named, **{name: told[name] for name in ("as_of", "status", "counts")}, "raised": raised}
        history = [*told["history"], point][-_KEPT:]
        kept = {"key": key, "bias_to": self.judged.bias_to}
        draft.write_json("summary.json", {**told, **named, **kept, "history": history})
        return draft


def _dated(
    reader: Reader, workspace: str, monitoring_id: str, series: pd.DataFrame, as_of: pd.Timestamp
) -> pd.DataFrame:
    """The table of series with the dates that follow from the monitorings that are kept, where all of its own are `as_of`.

    The last release gave every status the date of the monitoring.
    """
    if not (series[summary.SINCE] == as_of).all():
        return series
    found = pd.DataFrame(columns=SERIES)
    for name in (one for one in reader.artifacts.folders(workspace, MONITORING) if one <= monitoring_id):
        table = reader.monitoring(workspace, name).read_parquet("series.parquet")
        found = summary.with_since(table, found, table[summary.SINCE].max())
    return found


def key(reader: Reader, workspace: str, run: Folder, dataset: Dataset, settings: Monitoring) -> dict[str, Any]:
    """What a monitoring depends on: the same again finds the same."""
    sets = reader.forecast_sets(workspace)
    aliases = {name: alias["run_id"] for name, alias in reader.pointers(workspace)["aliases"].items()}
    return {
        "run_id": run.name,
        "aliases": aliases,
        "data_version": dataset.version,
        "forecast_id": sets[-1] if sets else None,
        "settings_hash": digest(settings.model_dump(mode="json")),
    }


def publish(reader: Reader, workspace: str, draft: Draft, as_of: str) -> Folder:
    """Finishes it and points to it; who reads sees the one before or this one."""
    folder = draft.publish()
    pointer = {"monitoring_id": folder.name, "as_of": as_of}
    reader.artifacts.move_pointer(workspace, MONITORING, CURRENT, change=lambda _: pointer, shape=pointers.Monitoring)
    return folder


def tidy(reader: Reader, workspace: str, keep: int) -> list[str]:
    """Removes all but the newest `keep` monitorings, and what died before it was finished; returns their names.

    A monitoring goes on from the newest one, which holds the history, the timeline, the judged forecast sets and the states
    of CUSUM and hysteresis: the others are only to look back at. The one that is pointed to stays in any case.
    """
    store, pointed = reader.artifacts, reader.monitored(workspace)
    store.sweep(workspace, MONITORING)
    old = [name for name in store.folders(workspace, MONITORING)[:-keep] if name != pointed]
    for name in old:
        with contextlib.suppress(StoreError):  # another process may tidy up too
            store.remove(workspace, MONITORING, name)
    return old
