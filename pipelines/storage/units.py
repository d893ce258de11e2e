"""Unit of shares in records: fractions if marked so; unmarked records of release 0.1.0 hold percentages."""

from typing import Any

from pipelines.tables.schema import FRACTION, OF_METRIC, is_share

MARK = {"units": FRACTION}  # in `run.json` and `summary.json`, also for tables beside them, and in alerts
RUN, MONITORING = "run.json", "summary.json"


def is_marked(record: dict[str, Any]) -> bool:
    """Whether the shares of a record, and of the tables in its directory, are fractions."""
    return MARK.keys() <= record.keys()


def record(values: dict[str, Any]) -> dict[str, Any]:
    """The record of a run or a monitoring, with fractions in place of the percentages of release 0.1.0."""
    if is_marked(values):
        return values
    changed = dict(values)
    if isinstance(values.get("summary"), dict):
        changed["summary"] = _of_run(values["summary"])
    for name in ("accuracy", "timeline"):
        if isinstance(values.get(name), list):
            changed[name] = [row(one) for one in values[name]]
    return changed | MARK


def row(values: dict[str, Any]) -> dict[str, Any]:
    """A row of figures with fractions in place of percentages: fields named after a metric, or values of the row's
    `metric`.
    """
    named = is_share(str(values.get("metric", "")))
    return {
        name: _fraction(value) if is_share(name) or (named and name in OF_METRIC) else value
        for name, value in values.items()
    }


def _of_run(summary: dict[str, Any]) -> dict[str, Any]:
    """The figures of a run; its coverage has always been a fraction."""
    changed = dict(summary)
    if isinstance(board := summary.get("leaderboard"), dict):
        changed["leaderboard"] = {model: row(errors) for model, errors in board.items()}
    if is_share(str(summary.get("metric", ""))):
        changed |= {name: _fraction(summary.get(name)) for name in ("champion", "baseline")}
        if isinstance(against := summary.get("against_production"), dict):
            errors = {name: _fraction(against.get(name)) for name in ("challenger", "production")}
            changed["against_production"] = against | errors
    return changed


def _fraction(value: Any) -> Any:
    return value / 100 if isinstance(value, int | float) else value
