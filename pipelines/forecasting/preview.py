"""Preview of an uploaded table: how it is read, its problems, and the resulting workspace settings."""

import gzip
import traceback
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from pipelines.core.errors import ConfigError, ConfigErrors, DataError, ForecastError
from pipelines.core.figures import stamp
from pipelines.core.names import printable
from pipelines.forecasting import panel as panels
from pipelines.forecasting import settings
from pipelines.forecasting.etl import clean, dates, load, numbers, profile, quality
from pipelines.forecasting.etl.rejected import REASON, ROW, NoUsableRow
from pipelines.forecasting.features import future
from pipelines.forecasting.settings import Workspace
from pipelines.sources import _text, file
from pipelines.storage.catalog import Reader
from pipelines.tables import limits
from pipelines.tables.schema import DS, UNIQUE_ID, Y

_ORIGIN = "upload"  # replaces the workspace's file in errors
_COLUMNS, _ROWS, _REJECTED, _EXAMPLES, _SAMPLE = 200, 10, 20, 3, 1_000
_FIELD_OF_CHECK = {"length": "horizon", "gaps": "frequency", "freshness": DS}
_PARAMETERS = {  # setting named in an error to the upload parameter; errors in other settings refer to `file`
    "source.columns.ds": DS,
    "source.columns.y": Y,
    "source.columns.keys": "keys",
    "covariates.static": "static",
    "covariates.future": "future",
    "missing.future": "future",
    "target.unit": "unit",
    **{name: name for name in ("frequency", "timezone", "title", "horizon")},
}
# Remedies for uploads: without a workspace file, only the mapping and the table can be corrected.
_REMEDIES = {
    "column_not_recognised": "Name it in the mapping.",
    "future_covariates_missing": "Add rows with these dates and an empty target.",
    "keys_join_to_one_name": "Replace the '/' in the key columns.",
    "missing_column": "Correct the mapping.",
    "no_common_step": "Set frequency to the grid you want.",
    "no_header": "Check the file.",
    "no_usable_row": "Correct them, or name other columns in the mapping.",
    "not_text": "Save it as CSV.",
    "one_observation_per_series": "If the key is too fine, set keys to fewer columns.",
    "ragged_line": "Quote cells that hold the separator.",
    "target_empty": "Name the right column in y.",
    "too_few_timestamps": "Set frequency.",
    "too_many_columns": "Remove those that are not needed, and check the separator.",
    "too_many_steps": "Correct wrong dates, or set a coarser frequency.",
    "stray_date": "One of these dates is probably wrong: correct or remove it.",
    "unknown_encoding": "Save it as UTF-8.",
    "wrong_encoding": "Save it as UTF-8.",
}
_CHECKS = {
    "rejected": _REMEDIES["no_usable_row"],
    "gaps": _REMEDIES["too_few_timestamps"],
}  # remedy by check


class Preview:
    """The answer, filled in as far as the table can be read."""

    def __init__(self, reader: Reader, workspace: str, upload_id: str, name: str, wanted: Mapping[str, Any]) -> None:
        self.workspace, self.wanted = workspace, wanted
        self.data_dir = Path(reader.data.root)
        self.path = str(reader.places(workspace).upload(upload_id).file(name))
        self.problems: list[dict[str, Any]] = []
        self.found: dict[str, Any] = {
            **dict.fromkeys(["encoding", "separator", "n_rows", "n_columns", "frequency", "n_series", "horizon"]),
            **dict.fromkeys(["first_ds", "last_ds", "quality", "settings"]),
            "workspace": workspace,
            "upload_id": upload_id,
            "mapping": {
                **{key: wanted.get(key) for key in (DS, Y, "keys")},
                **{key: list(wanted.get(key) or ()) for key in ("static", "future")},
            },
            "notes": [],
            "columns": [],
            "rows": [],
            "rejected": {"count": 0, "reasons": {}, "rows": []},
            "demand_classes": {},
        }

    def answer(self) -> dict[str, Any]:
        """All findings; `acceptable` if the table can become a workspace."""
        try:
            self._look()
        except ForecastError as error:
            self._add(error)
        except MemoryError:
            problem, remedy = "it takes more memory than a preview may use", "Upload fewer rows or columns."
            self._add(DataError(problem, code="too_much_memory", remedy=remedy))
        except Exception as error:  # noqa: BLE001 - uploaded tables can raise anything
            traceback.print_exc()
            problem = f"the table cannot be understood ({type(error).__name__})"
            self._add(DataError(problem, code="not_understood", remedy="Save it as a plain CSV."))
        acceptable = not self.problems
        return {**self.found, "problems": self.problems, "acceptable": acceptable}

    def _look(self) -> None:
        path = self.data_dir / self.path
        _refuse_bomb(path)
        raw = file.build(file.Options(path=self.path, max_columns=limits.UPLOAD_COLUMNS), self.data_dir).read()
        encoding = _text.detect_encoding(path)
        self.found |= {
            "encoding": encoding,
            "separator": _text.detect_separator(path, encoding),
            "n_rows": len(raw.rows),
            "n_columns": len(raw.rows.columns),
            "notes": list(raw.notes),
            "columns": [_column(raw.rows[name]) for name in raw.rows.columns[:_COLUMNS]],
            "rows": _as_json(raw.rows.iloc[:_ROWS, :_COLUMNS]),
        }
        if workspace := self._settings(self.wanted["frequency"]):
            self._bring_in(raw.rows, workspace)

    def _settings(self, frequency: str, columns: Mapping[str, Any] | None = None) -> Workspace | None:
        """The workspace that its file would define; None if a setting is wrong."""
        values = self._values(frequency, columns)
        try:
            return settings.workspace_of(self.workspace, values, _ORIGIN)
        except ConfigError as error:
            problems = error.problems if isinstance(error, ConfigErrors) else ()
            ours = [problem for problem in problems if problem.where == _ORIGIN]
            for problem in ours:
                self._add(problem)
            if not ours:
                traceback.print_exc()  # not sent, since it may name files of the server
                stands, remedy = "the service's own settings stand in the way", "Ask whoever runs it: its log says how."
                self._add(ConfigError(stands, code="wrong_settings", remedy=remedy), "settings")
            return None

    def _values(self, frequency: str, columns: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The content of the workspace's file."""
        wanted = self.wanted
        named = columns or {key: wanted[key] for key in (DS, Y, "keys") if wanted.get(key) is not None}
        covariates = {key: list(wanted[key]) for key in ("static", "future") if wanted.get(key)}
        values = {
            "title": wanted.get("title"),
            "source": {"kind": "file", "path": self.path, "columns": dict(named)},
            "frequency": frequency,
            "timezone": wanted.get("timezone"),
            "horizon": wanted.get("horizon"),
            "target": {"unit": wanted["unit"]} if wanted.get("unit") else None,
            "covariates": covariates,
        }
        return {key: value for key, value in values.items() if value}

    def _bring_in(self, rows: pd.DataFrame, workspace: Workspace) -> None:
        """Runs the stages of the ETL as far as they succeed."""
        as_of = pd.Timestamp.now(tz="UTC").tz_localize(None)
        workspace = workspace.model_copy(update={"limits": workspace.limits.of_upload()})
        try:
            loaded = load.load(rows, workspace)
        except NoUsableRow as error:
            self._map(error.columns)
            self._reject(error.rejected)
            raise
        columns = self._map(loaded.columns)
        self.found["notes"].append(f"dates: {loaded.notes['dates']}")
        self._reject(loaded.rejected)
        cleaned = clean.clean(loaded, workspace, as_of)
        complete = workspace.complete(cleaned.frequency)
        seasons, attributes = complete.season_lengths or (1,), list(workspace.covariates.static)
        series = profile.profile(cleaned.observations, cleaned.spans, attributes, seasons[0])
        checks = quality.check(cleaned, series, loaded.rejected, complete, as_of)
        self.found |= {
            "frequency": cleaned.frequency,
            "horizon": complete.horizon,
            "n_series": len(series),
            "first_ds": _moment(series["first_ds"].min()),
            "last_ds": _moment(series["last_ds"].max()),
            "quality": checks.as_json(),
            "demand_classes": {str(name): int(n) for name, n in series["demand_class"].value_counts().items()},
        }
        for check in checks.checks:
            if check.status == "fail":
                self._add(check.error(_CHECKS.get(check.name, "")), _FIELD_OF_CHECK.get(check.name, "file"))
        if not self.problems:
            self._look_ahead(cleaned.observations.drop(columns=attributes), series, complete)
        if not self.problems and self._settings(cleaned.frequency, columns):
            self.found["settings"] = self._values(cleaned.frequency, columns)

    def _look_ahead(self, observations: pd.DataFrame, series: pd.DataFrame, complete: Workspace) -> None:
        """Raises DataError if future covariates are not known over the horizon, which training requires."""
        horizon, names = complete.horizon or 1, complete.covariates.future
        seasons = complete.season_lengths or (1,)
        panel, _ = panels.from_tables(observations, series, complete.frequency, seasons, future=names, late=horizon)
        future.complete(panel, horizon, names, complete.missing.future)

    def _map(self, columns: Mapping[str, list[str]]) -> dict[str, Any]:
        """Records which columns were used for `ds`, `y` and the keys."""
        mapping = {DS: columns[DS][0], Y: columns[Y][0], "keys": list(columns[UNIQUE_ID])}
        self.found["mapping"] |= mapping
        return mapping

    def _reject(self, rejected: pd.DataFrame) -> None:
        """Records the rejected rows."""
        shown = rejected.drop(columns=[ROW, REASON]).iloc[:_REJECTED, :_COLUMNS]
        heads = rejected[[ROW, REASON]].head(_REJECTED).itertuples(index=False)
        self.found["rejected"] = {
            "count": len(rejected),
            "reasons": {str(reason): int(n) for reason, n in rejected[REASON].value_counts().items()},
            "rows": [
                {"row": int(row), "reason": str(reason), "values": values}
                for (row, reason), values in zip(heads, _as_json(shown), strict=True)
            ],
        }

    def _add(self, error: ForecastError, field: str | None = None) -> None:
        """Adds a problem in terms of the upload: without references to a workspace file, and without paths."""
        remedy = _REMEDIES.get(error.code, error.remedy)
        message = f"{error.problem}. {remedy}" if remedy else error.problem
        members = {**error.members(), "field": field or _parameter(error.field), "remedy": remedy}
        self.problems.append({**members, "message": message})


def preview(reader: Reader, request: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to `{workspace, upload_id, ds, y, keys, static, future, frequency, timezone, title, unit, horizon}`."""
    workspace, upload_id = request["workspace"], request["upload_id"]
    folder = reader.data.folder(reader.places(workspace).upload(upload_id))
    if wrong := folder.verify():
        raise DataError(
            f"upload {upload_id} is not what was received ({', '.join(wrong)})",
            code="upload_changed",
            found=wrong,
            remedy="Upload it again.",
        )
    return Preview(reader, workspace, upload_id, folder.files[0], request).answer()


def _parameter(field: str | None) -> str:
    """The upload parameter for a setting or a part of it; `file` if there is none."""
    parts = (field or "").split(".")
    above = (".".join(parts[:end]) for end in range(len(parts), 0, -1))
    return next((_PARAMETERS[setting] for setting in above if setting in _PARAMETERS), "file")


def _refuse_bomb(path: Path) -> None:
    """Raises DataError for a file that unpacks to more bytes or rows than a preview can handle."""
    size, lines = 0, 1
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as content:
            while piece := content.read(1 << 20):
                size, lines = size + len(piece), lines + piece.count(b"\n")
                if size > limits.UPLOAD_UNPACKED:
                    most = limits.UPLOAD_UNPACKED >> 20
                    raise DataError(
                        f"the file is larger than {most} MiB when it is unpacked",
                        code="too_large",
                        found=size,
                        remedy="Split it.",
                    )
                if lines > limits.UPLOAD_LINES:
                    raise DataError(
                        f"the file has over {limits.UPLOAD_LINES:,} lines",
                        code="too_large",
                        found=lines,
                        remedy="Upload fewer rows.",
                    )
    except (OSError, EOFError, zlib.error):  # damaged, which is reported when it is read
        return


def _column(values: pd.Series) -> dict[str, Any]:
    """A column's name, apparent type, number of missing values, and examples."""
    known = values.dropna()
    return {
        "name": printable(str(values.name)),
        "type": _type(known.head(_SAMPLE)),
        "n_missing": len(values) - len(known),
        "examples": [printable(str(value)) for value in known.head(_SAMPLE).unique()[:_EXAMPLES]],
    }


def _type(known: pd.Series) -> str:
    if known.empty:
        return "empty"
    if numbers.parse(known).notna().mean() > 0.9:
        return "number"
    return "date" if dates.parse(known)[0].notna().mean() > 0.9 else "text"


def _as_json(rows: pd.DataFrame) -> list[dict[str, str | None]]:
    """Rows as text, shortened for display."""
    return [dict(_cells(row)) for row in rows.to_dict("records")]


def _cells(row: Mapping[Any, Any]) -> Iterator[tuple[str, str | None]]:
    for name, value in row.items():
        yield printable(str(name)), None if pd.isna(value) else printable(str(value))


def _moment(value: Any) -> str | None:
    """A date, or a timestamp unless it is midnight."""
    if pd.isna(value):
        return None
    return f"{value:%Y-%m-%d}" if value == value.normalize() else stamp(value)
