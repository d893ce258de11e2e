"""Comparison of two runs: different settings, figures, and the series that improved or got worse."""

from collections.abc import Iterator

from pydantic import JsonValue
from typing_extensions import TypedDict

from pipelines.core.figures import known
from pipelines.forecasting.figures import Figures
from pipelines.forecasting.records import ForecastRun
from pipelines.storage.folders import Folder
from pipelines.tables import parquet
from pipelines.tables.schema import MODEL, UNIQUE_ID, VALUE

_METRIC = "metric"
_FIGURES = ("champion", "baseline", "skill")


class Change(TypedDict):
    """A setting that differs between two runs, by its dotted name; null if one lacks it."""

    key: str
    a: JsonValue
    b: JsonValue


class Delta(TypedDict):
    """A figure of both runs and the difference; skill, coverage, MAPE, sMAPE and WAPE are fractions, 0.801 = 80.1 %."""

    metric: str
    a: float | None
    b: float | None
    delta: float | None


class SeriesDelta(TypedDict):
    """The error of a series' champion in both runs, and the champions."""

    unique_id: str
    a: float
    b: float
    delta: float
    model_a: str
    model_b: str


class CompareOut(TypedDict):
    """Changes from run `a` to run `b`. A negative delta of an error is an improvement. `better` and `worse` list the
    largest changes first. If the errors are not comparable, for example due to other windows, `comparable` is false,
    deltas are null and no series is counted.
    """

    workspace: str
    a: str
    b: str
    metric: str
    comparable: bool
    reason: str
    config: list[Change]
    metrics: list[Delta]
    n_better: int
    n_worse: int
    n_equal: int
    better: list[SeriesDelta]
    worse: list[SeriesDelta]


def compare(a: Folder, b: Folder, shown: int = 20) -> CompareOut:
    """Changes from run `a` to run `b`: `config`, `metrics`, and the series by the change of their champion's error.

    `better` and `worse` hold the `shown` largest changes. Errors of different metrics, windows or horizons cannot be
    compared: then `comparable` is false with a `reason`, no figure has a delta, and no series is counted.
    """
    first, second = ForecastRun.of(a), ForecastRun.of(b)
    metric = first.settings.metric
    same_metric = second.settings.metric == metric
    reason = _difference(first, second)
    series = [] if reason else _series(a, b, metric)
    better = sorted((row for row in series if row["delta"] < 0), key=lambda row: row["delta"])
    worse = sorted((row for row in series if row["delta"] > 0), key=lambda row: -row["delta"])
    return {
        "workspace": first.workspace,
        "a": a.name,
        "b": b.name,
        "metric": metric,
        "comparable": not reason,
        "reason": reason,
        "config": changes(first.config, second.config),
        "metrics": [
            {**row, "delta": None} if reason else row for row in _metrics(first.figures, second.figures, same_metric)
        ],
        "n_better": len(better),
        "n_worse": len(worse),
        "n_equal": len(series) - len(better) - len(worse),
        "better": better[:shown],
        "worse": worse[:shown],
    }


def changes(a: JsonValue, b: JsonValue, above: str = "") -> list[Change]:
    """The differences of two nested configurations as `[{key, a, b}]` with dotted keys; null if one lacks the key."""
    if isinstance(a, dict) and isinstance(b, dict):
        return [
            change
            for name in sorted({*a, *b})
            for change in changes(a.get(name), b.get(name), f"{above}.{name}" if above else name)
        ]
    return [] if a == b else [{"key": above, "a": a, "b": b}]


def _difference(a: ForecastRun, b: ForecastRun) -> str:
    """Why the figures of two runs are not comparable; empty if they are."""
    if not (a.succeeded and b.succeeded):
        return "a run that failed has no figures"
    left, right = a.settings, b.settings
    if left.metric != right.metric:
        return f"the metrics differ: {left.metric} and {right.metric}"
    cutoffs, others = a.figures.cutoffs, b.figures.cutoffs
    if cutoffs != others:
        return f"the backtest windows differ: those after {_listed(cutoffs)}, and those after {_listed(others)}"
    if left.horizon != right.horizon:
        return f"the horizons differ: {left.horizon} and {right.horizon} steps"
    gaps = left.backtest.gap, right.backtest.gap
    return f"the gaps after the cutoffs differ: {gaps[0]} and {gaps[1]} steps" if gaps[0] != gaps[1] else ""


def _listed(cutoffs: list[str]) -> str:
    return ", ".join(cutoff.removesuffix(" 00:00") for cutoff in cutoffs) or "no cutoff"


def _metrics(a: Figures, b: Figures, same_metric: bool) -> Iterator[Delta]:
    """The headline figures, then the mean of each metric for the models that both have."""
    for name in _FIGURES if same_metric else ("skill",):
        yield _delta(name, getattr(a, name), getattr(b, name))
    for level in sorted({*a.coverage, *b.coverage}, key=int):
        yield _delta(f"coverage_{level}", a.coverage.get(level), b.coverage.get(level))
    boards = a.leaderboard, b.leaderboard
    for model in sorted(set(boards[0]) & set(boards[1])):
        for name in sorted(set(boards[0][model]) & set(boards[1][model])):
            yield _delta(f"{model}.{name}", boards[0][model][name], boards[1][model][name])


def _delta(name: str, a: float | None, b: float | None) -> Delta:
    return {"metric": name, "a": a, "b": b, "delta": None if a is None or b is None else b - a}


def _series(a: Folder, b: Folder, metric: str) -> list[SeriesDelta]:
    """The series with a champion's error in both runs, with its change."""
    first, second = _errors(a, metric), _errors(b, metric)
    return [
        {
            "unique_id": name,
            "a": first[name][0],
            "b": second[name][0],
            "delta": second[name][0] - first[name][0],
            "model_a": first[name][1],
            "model_b": second[name][1],
        }
        for name in sorted(set(first) & set(second))
    ]


def _errors(run: Folder, metric: str) -> dict[str, tuple[float, str]]:
    """The error of each series' champion in `metric`, and the champion."""
    table = run.open_parquet("champions.parquet").read([UNIQUE_ID, MODEL, _METRIC, VALUE])
    columns = (table[name].to_pylist() for name in (UNIQUE_ID, MODEL, _METRIC))
    rows = zip(*columns, parquet.numbers(table[VALUE]).tolist(), strict=True)
    return {name: (value, model) for name, model, of, value in rows if of == metric and known(value) is not None}
