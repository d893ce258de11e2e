"""What monitoring has found, as it is served: the whole workspace, its series by severity, and one series in detail."""

from datetime import datetime
from typing import Any, Literal

from pipelines.errors import NotFound
from pipelines.read import tables
from pipelines.read.clock import Clock
from pipelines.read.series import Page
from pipelines.schema import CUTOFF, UNIQUE_ID
from pipelines.store import Folder

Status = Literal["insufficient", "ok", "warn", "alert"]
Kind = Literal["error", "bias", "coverage", "drift"]
KINDS: tuple[Kind, ...] = ("error", "bias", "coverage", "drift")
SORTS = ("severity", "name", "error", "drift", "bias")  # the first of each is the worst

_RANK = {"insufficient": 0, "ok": 1, "warn": 2, "alert": 3}
_REPORT = "report.html"
_FIGURES = ("n_origins", "mae", "mase", "wape", "skill", "bias", "mae_baseline", "mase_baseline", "wape_baseline", "skill_baseline", "bias_baseline", "lean", "feature", "psi", "threshold")  # fmt: skip
_ACCURACY = ["window", "metric", "value", "baseline", "status", "n", "p_value"]
_DRIFT = ["feature", "psi", "threshold", "n_reference", "n_current", "status", "p_value"]
_ORIGINS = ["cutoff", "until", "steps", "metric", "value", "baseline"]


class Monitored:
    """One monitoring, in memory: a row a series; details are read when they are asked for."""

    def __init__(self, folder: Folder, clock: Clock) -> None:
        self.folder, self._clock = folder, clock
        self.info: dict[str, Any] = folder.read_json("summary.json")
        table = folder.open_parquet("series.parquet").read()
        self._columns: dict[str, list[Any]] = {
            name: [_plain(value) for value in table[name].to_pylist()] for name in table.column_names
        }
        self._ids: list[str] = self._columns[UNIQUE_ID]
        self._place = {name: row for row, name in enumerate(self._ids)}
        self._levels = sorted(name[9:] for name in self._columns if name.startswith("coverage_") and name[9:].isdigit())

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def nbytes(self) -> int:
        """About what this takes in memory."""
        return 60 * len(self._ids) * len(self._columns)

    @property
    def has_report(self) -> bool:
        return _REPORT in self.folder.files

    def report(self) -> bytes:
        """The report as HTML; NotFound where none was made."""
        return self.folder.read_bytes(_REPORT)

    def summary(self) -> dict[str, Any]:
        """`summary.json` as it is served."""
        kept = {name: value for name, value in self.info.items() if name not in ("key", "bias_to")}
        timeline = [
            {**one, "cutoff": self._write(one["cutoff"]), "until": self._write(one["until"])}
            for one in self.info["timeline"]
        ]
        return {**kept, "timeline": timeline, "report": self.has_report}

    def find(
        self,
        unique_id: str | None = None,
        search: str = "",
        status: Status | None = None,
        kind: Kind | None = None,
        sort: str = "severity",
        offset: int = 0,
        limit: int = 50,
    ) -> Page:
        """Series by name, by part of it, or by a status, overall or of one `kind`; NotFound for a name that is not there."""
        if unique_id is not None and unique_id not in self._place:
            raise NotFound(f"there is nothing about the series {unique_id!r}.")
        rows = range(len(self._ids)) if unique_id is None else [self._place[unique_id]]
        sought, column = search.casefold(), self._columns[f"{kind}_status" if kind else "status"]
        found = [
            row
            for row in rows
            if (not sought or sought in self._ids[row].casefold()) and (status is None or column[row] == status)
        ]
        found.sort(key=lambda row: self._order(row, sort))
        page = found[offset : offset + limit]
        drift = self._rows("drift.parquet", [self._ids[row] for row in page], _DRIFT) if page else {}
        return Page(len(found), [{**self._row(row), "drift": drift.get(self._ids[row], [])} for row in page])

    def detail(self, unique_id: str) -> dict[str, Any]:
        """Everything about one series: each window's metrics, and each forecast set that was judged."""
        accuracy = self._rows("accuracy.parquet", [unique_id], _ACCURACY).get(unique_id, [])
        origins: dict[tuple[str, str], dict[str, Any]] = {}
        for row in self._rows("origins.parquet", [unique_id], _ORIGINS).get(unique_id, []):
            cutoff, until = self._clock.write(row[CUTOFF]), self._clock.write(row["until"])
            one = origins.setdefault((cutoff, until), {"cutoff": cutoff, "until": until, "steps": row["steps"]})
            one[row["metric"]], one[f"{row['metric']}_baseline"] = row["value"], row["baseline"]
        return {"accuracy": accuracy, "origins": [origins[key] for key in sorted(origins)]}

    def _rows(self, name: str, ids: list[str], columns: list[str]) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = {}
        for row in tables.rows_of(self.folder.open_parquet(name, [UNIQUE_ID]), frozenset(ids), columns).to_pylist():
            found.setdefault(row.pop(UNIQUE_ID), []).append({key: _plain(value) for key, value in row.items()})
        return found

    def _value(self, name: str, row: int) -> Any:
        return self._columns[name][row] if name in self._columns else None

    def _row(self, row: int) -> dict[str, Any]:
        since = self._value("since", row)
        return {
            UNIQUE_ID: self._ids[row],
            "status": self._value("status", row),
            "since": self._clock.write(since) if since else None,
            "statuses": {kind: self._value(f"{kind}_status", row) for kind in KINDS},
            **{name: self._value(name, row) for name in _FIGURES},
            "coverage": {level: self._value(f"coverage_{level}", row) for level in self._levels},
            "coverage_baseline": {level: self._value(f"coverage_{level}_baseline", row) for level in self._levels},
        }

    def _order(self, row: int, sort: str) -> tuple[float, str]:
        name = self._ids[row]
        match sort:
            case "name":
                return 0.0, name
            case "error":
                return -_ratio(self._value("mae", row), self._value("mae_baseline", row)), name
            case "drift":
                return -_ratio(self._value("psi", row), self._value("threshold", row)), name
            case "bias":
                return -abs(self._value("lean", row) or 0.0), name
            case _:
                ranks = [_RANK[self._columns[f"{kind}_status"][row]] for kind in KINDS]
                return -(100.0 * max(ranks) + sum(ranks)), name

    def _write(self, stamp: str) -> str:
        return self._clock.write(datetime.fromisoformat(stamp))


def _ratio(value: float | None, base: float | None) -> float:
    return value / base if value is not None and base else 0.0


def _plain(value: Any) -> Any:
    """The value, or None for a float that JSON has no word for."""
    return None if isinstance(value, float) and value - value != 0 else value
