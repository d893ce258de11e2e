"""Served monitoring results: the whole workspace, its series by severity, and the details of a series."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from pipelines.core.errors import NotFound
from pipelines.core.figures import known
from pipelines.forecasting.read.clock import Clock
from pipelines.forecasting.read.monitoring_rows import (
    DriftRow,
    Kind,
    MonitoredSeries,
    MonitoringOut,
    Origin,
    SeriesDetail,
    Status,
    Suspicion,
    WindowRow,
)
from pipelines.forecasting.records import Monitoring
from pipelines.storage.folders import Folder
from pipelines.tables import parquet
from pipelines.tables.parquet import Rows
from pipelines.tables.schema import CUTOFF, UNIQUE_ID

KINDS: tuple[Kind, ...] = ("error", "bias", "coverage", "drift")
SORTS = ("severity", "name", "error", "drift", "bias")  # worst first

STATUSES: tuple[Status, ...] = ("insufficient", "ok", "warn", "alert")  # from the least to the most severe
WARN, ALERT = STATUSES.index("warn"), STATUSES.index("alert")

_REPORT = "report.html"
_FIGURES = (
    "n_origins",
    "mae",
    "mase",
    "wape",
    "skill",
    "bias",
    "mae_baseline",
    "mase_baseline",
    "wape_baseline",
    "skill_baseline",
    "bias_baseline",
    "lean",
    "feature",
    "psi",
    "threshold",
)
_ACCURACY = ["window", "metric", "value", "baseline", "status", "n", "p_value"]
_DRIFT = ["feature", "psi", "threshold", "n_reference", "n_current", "status", "p_value"]
_ORIGINS = ["cutoff", "until", "steps", "metric", "value", "baseline"]


class Monitored:
    """One monitoring in memory with one row per series; details are read on request."""

    def __init__(self, folder: Folder, clock: Clock) -> None:
        self.folder, self._clock = folder, clock
        self.info = Monitoring.of(folder)
        self._table = parquet.microseconds(folder.open_parquet("series.parquet").read())
        self._ids: list[str] = self._table[UNIQUE_ID].to_pylist()  # sorted
        self._place = {name: row for row, name in enumerate(self._ids)}
        self._ranks = {kind: self._graded(f"{kind}_status") for kind in KINDS}
        self._rank = self._graded("status")
        named = self._table.column_names
        self._levels = sorted(name[9:] for name in named if name.startswith("coverage_") and name[9:].isdigit())

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def nbytes(self) -> int:
        """The approximate memory use in bytes."""
        return int(self._table.nbytes) + 250 * len(self._ids)

    @property
    def run_id(self) -> str:
        """The monitored production run."""
        return self.info.run_id

    @property
    def has_report(self) -> bool:
        return _REPORT in self.folder.files

    def report(self) -> bytes:
        """The report as HTML; NotFound if there is none."""
        return self.folder.read_bytes(_REPORT)

    def summary(self) -> MonitoringOut:
        """`summary.json` as it is served."""
        told = self.info.model_dump(mode="json", exclude={"key", "bias_to", "units"})
        for one in told["timeline"]:
            one |= {"cutoff": self._write(one["cutoff"]), "until": self._write(one["until"])}
        return cast(MonitoringOut, {**told, "report": self.has_report})

    def find(
        self,
        unique_id: str | None = None,
        search: str = "",
        status: Status | None = None,
        kind: Kind | None = None,
        sort: str = "severity",
        offset: int = 0,
        limit: int = 50,
    ) -> Rows[MonitoredSeries]:
        """Series by name, by part of it, or by a status, overall or of one `kind`; NotFound for an unknown name."""
        if unique_id is not None and unique_id not in self._place:
            raise NotFound(
                f"there is nothing about the series {unique_id!r}",
                field="unique_id",
                found=unique_id,
                remedy="Use the name of a series that is listed.",
            )
        places = np.arange(len(self._ids)) if unique_id is None else np.array([self._place[unique_id]])
        if search:
            sought = search.casefold()
            places = places[[sought in self._ids[row].casefold() for row in places.tolist()]]
        if status is not None:
            places = places[(self._ranks[kind] if kind else self._rank)[places] == STATUSES.index(status)]
        places = places[np.argsort(self._order(sort)[places], kind="stable")]
        page = places[offset : offset + limit].tolist()
        drift = self._rows("drift.parquet", [self._ids[row] for row in page], _DRIFT) if page else {}
        rows = [self._row(row, cast(list[DriftRow], drift.get(self._ids[row], []))) for row in page]
        return Rows(len(places), rows)

    def statuses(self, ids: Sequence[str]) -> list[Status | None]:
        """The status of each of the series; null for those not monitored."""
        return [None if (row := self._place.get(name)) is None else STATUSES[self._rank[row]] for name in ids]

    def ranks(self, ids: Sequence[str]) -> dict[Kind | None, npt.NDArray[np.float64]]:
        """The rank in `STATUSES` of each series by kind, and under None of the most severe; null if unknown."""
        rows = np.array([self._place.get(name, -1) for name in ids], dtype=np.intp)
        return {
            kind: np.append((self._ranks[kind] if kind else self._rank).astype(np.float64), np.nan)[rows]
            for kind in (None, *KINDS)
        }

    def reasons(self, unique_id: str) -> list[Suspicion]:
        """Why a series is in warning or alert, by kind."""
        row = self._place.get(unique_id)
        if row is None:
            return []
        told = self._known(row)
        short = [int(level) / 100 - share for level in self._levels if (share := told[f"coverage_{level}"]) is not None]
        values = {
            "error": _ratio(told["mae"], told["mae_baseline"]),
            "bias": told["lean"],
            "coverage": max(short, default=None),
            "drift": _ratio(told["psi"], told["threshold"]),
        }
        return [
            {
                "kind": kind,
                "status": STATUSES[self._ranks[kind][row]],
                "since": self._day(told.get(f"{kind}_since") or told["since"]),
                "value": float(values[kind] or 0.0),
                "feature": told["feature"] if kind == "drift" else None,
            }
            for kind in KINDS
            if self._ranks[kind][row] >= WARN
        ]

    def detail(self, unique_id: str) -> SeriesDetail:
        """The details of one series: metrics of each window, and of each evaluated forecast set."""
        accuracy = self._rows("accuracy.parquet", [unique_id], _ACCURACY).get(unique_id, [])
        origins: dict[tuple[str, str], dict[str, Any]] = {}
        for row in self._rows("origins.parquet", [unique_id], _ORIGINS).get(unique_id, []):
            cutoff, until = self._clock.write(row[CUTOFF]), self._clock.write(row["until"])
            one = origins.setdefault((cutoff, until), {"cutoff": cutoff, "until": until, "steps": row["steps"]})
            one[row["metric"]], one[f"{row['metric']}_baseline"] = row["value"], row["baseline"]
        return {
            "accuracy": cast(list[WindowRow], accuracy),
            "origins": [cast(Origin, origins[key]) for key in sorted(origins)],
        }

    def _rows(self, name: str, ids: list[str], columns: list[str]) -> dict[str, list[dict[str, Any]]]:
        groups: dict[str, list[dict[str, Any]]] = {}
        rows = parquet.rows_of(self.folder.open_parquet(name, [UNIQUE_ID]), frozenset(ids), columns)
        for row in parquet.microseconds(rows).to_pylist():
            groups.setdefault(row.pop(UNIQUE_ID), []).append({key: known(value) for key, value in row.items()})
        return groups

    def _known(self, row: int) -> dict[str, Any]:
        """The row of a series, with null for values that JSON cannot represent."""
        return {name: known(value) for name, value in self._table.slice(row, 1).to_pylist()[0].items()}

    def _row(self, row: int, drift: list[DriftRow]) -> MonitoredSeries:
        told = self._known(row)
        one = {
            UNIQUE_ID: self._ids[row],
            "status": told["status"],
            "since": self._day(told["since"]),
            "statuses": {kind: told[f"{kind}_status"] for kind in KINDS},
            **{name: told.get(name) for name in _FIGURES},
            "coverage": {level: told[f"coverage_{level}"] for level in self._levels},
            "coverage_baseline": {level: told.get(f"coverage_{level}_baseline") for level in self._levels},
            "drift": drift,
        }
        return cast(MonitoredSeries, one)

    def _order(self, sort: str) -> npt.NDArray[np.float64]:
        """The sort key of the series, worst first; ties are sorted by name."""
        match sort:
            case "name":
                return np.zeros(len(self._ids))
            case "error":
                return -self._ratios("mae", "mae_baseline")
            case "drift":
                return -(1e6 * self._ranks["drift"] + self._ratios("psi", "threshold"))
            case "bias":
                return -np.abs(np.nan_to_num(parquet.numbers(self._table["lean"])))
            case _:
                ranks = np.stack([self._ranks[kind] for kind in KINDS])
                return np.asarray(-(100.0 * ranks.max(axis=0) + ranks.sum(axis=0)))

    def _graded(self, name: str) -> npt.NDArray[np.intp]:
        """A column of statuses as ranks in `STATUSES`."""
        codes, names = parquet.coded(self._table[name])
        ranks: npt.NDArray[np.intp] = np.array([STATUSES.index(status) for status in names] or [0], dtype=np.intp)[
            codes
        ]
        return ranks

    def _ratios(self, name: str, base: str) -> npt.NDArray[np.float64]:
        """One column in units of another, 0 if that is unknown."""
        value, unit = (np.nan_to_num(parquet.numbers(self._table[column])) for column in (name, base))
        return np.divide(value, unit, out=np.zeros(len(value)), where=unit != 0)

    def _day(self, since: datetime | None) -> str | None:
        return self._clock.write(since) if since else None

    def _write(self, stamp: str) -> str:
        return self._clock.write(datetime.fromisoformat(stamp))


def _ratio(value: float | None, base: float | None) -> float:
    return value / base if value is not None and base else 0.0
