"""Values of every tool against an oracle that reads the published files with pandas alone."""

import asyncio
import re
from collections import Counter
from typing import Any

import pandas as pd
import pytest

from backend.copilot.facts import Fact
from backend.copilot.scope import Scope
from backend.copilot.toolbox import PACKAGE, look_up
from pipelines.core import plugins
from scripts.dev.evals.oracle import Oracle
from tests.backend.conftest import open_scope
from tests.support.site import IDS, Site

TIMES = {"start": "2024-03-20", "end": "2024-03-28"}
SERIES = "Ash/Gruyère ☃ 日本"
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("accuracy", {}),
    ("accuracy", {"unique_id": SERIES}),
    ("actuals", TIMES),
    ("actuals", {**TIMES, "unique_id": SERIES}),
    ("actuals", {**TIMES, "filters": {"region": "north"}}),
    ("actuals", {"start": "2024-03-20", "end": "2024-03-20", "unique_id": SERIES}),
    ("backtest_by_horizon", {"unique_id": SERIES}),
    ("bridge", {"unique_id": SERIES}),
    ("compare_series", {"unique_ids": [SERIES, IDS[-1]]}),
    ("compare_series", {"by": "region"}),
    ("data_quality", {}),
    ("data_quality", {"unique_id": SERIES}),
    ("describe_workspace", {}),
    ("explain_forecast", {"unique_id": SERIES}),
    ("find_series", {"text": "", "filters": {"region": "south"}}),
    ("forecast_at", TIMES),
    ("forecast_at", {"start": "2024-03-25", "end": "2024-03-25", "unique_id": SERIES}),
    ("forecast_summary", {}),
    ("forecast_summary", {"unique_id": SERIES}),
    ("forecast_summary", {"filters": {"region": "north"}}),
]
# Concepts that the oracle knows by another definition than these tools: errors in MAE, and a mean over named series.
_OTHERS = {"error", "mean_error", "skill"}


@pytest.fixture(scope="module")
def oracle(site: Site) -> Oracle:
    return Oracle(site.folder / "data", site.folder / "artifacts", "shop")


@pytest.fixture
def scope(site: Site) -> Scope:
    return open_scope(site)


def look(scope: Scope, tool: str, **given: Any) -> list[Fact]:
    """The facts that a tool gives."""
    return asyncio.run(look_up(scope, plugins.load(PACKAGE, tool).run, **given)).facts


def asked(fact: Fact, given: dict[str, Any]) -> dict[str, Any]:
    """What the oracle is asked for a fact: its subjects, its dates and its level."""
    names = {subject.kind: subject.name for subject in fact.of}
    question: dict[str, Any] = {kind: names[kind] for kind in ("component", "model", "attribute") if kind in names}
    if "series" in names:
        question["of"] = names["series"]
    elif "group" in names:
        question["of"] = given.get("filters") or {given["by"]: names["group"]}
    elif given.get("filters"):
        question["of"] = given["filters"]
    dates = re.findall(r"\d{4}-\d\d-\d\d", fact.period)
    if dates:
        question |= {"from": dates[0], "to": dates[-1]}
    if level := re.search(r"(\d+) %", fact.period):
        question["level"] = int(level[1])
    if step := re.match(r"(\d+) steps ahead", fact.period):
        question["step"] = int(step[1])
    return question


@pytest.mark.parametrize(("tool", "given"), CALLS)
def test_every_value_is_the_one_in_the_files(scope: Scope, oracle: Oracle, tool: str, given: dict[str, Any]) -> None:
    """Each fact with a definition in the oracle has the oracle's value; there is at least one."""
    compared = 0
    for fact in look(scope, tool, **given):
        if fact.concept in _OTHERS or fact.value is None or not callable(getattr(oracle, f"_{fact.concept}", None)):
            continue
        question = asked(fact, given)
        if fact.concept == "interval" and "level" not in question:
            continue
        if fact.concept == "coverage" and not fact.of:  # on windows that the intervals were not fitted to
            continue
        expected = oracle(fact.concept, question)
        value = list(fact.value) if isinstance(fact.value, tuple) else fact.value
        assert value == (expected if isinstance(expected, str) else pytest.approx(expected, rel=1e-5)), fact
        compared += 1
    assert compared


@pytest.mark.parametrize("by", ["forecast", "change_on_last_period"])
@pytest.mark.parametrize("order", ["highest", "lowest"])
def test_a_ranking_is_in_the_order_of_the_files(scope: Scope, oracle: Oracle, by: str, order: str) -> None:
    """The first series by a measure, with their values, are those of pandas."""
    facts = look(scope, "rank_series", by=by, order=order, limit=3)
    ranks = {fact.value: fact.unique_id for fact in facts if fact.concept == "rank"}
    assert [ranks[place] for place in (1, 2, 3)] == oracle.ranked(by, order, 3)


def test_errors_are_those_of_the_metric_tables(scope: Scope, site: Site) -> None:
    """Error, baseline error and skill of a series are means over its windows in metrics.parquet."""
    rows = pd.read_parquet(site.folder / f"artifacts/shop/runs/{site.second}/metrics.parquet")
    rows = (
        rows[(rows["unique_id"] == SERIES) & (rows["metric"] == "mae")].groupby("model", observed=True)["value"].mean()
    )
    facts = {(fact.concept, len(fact.of)): fact.value for fact in look(scope, "accuracy", unique_id=SERIES)}
    assert facts["error", 1] == pytest.approx(rows["linear"])
    assert facts["baseline_error", 1] == pytest.approx(rows["seasonal_naive"])
    assert facts["skill", 1] == pytest.approx(1 - rows["linear"] / rows["seasonal_naive"])


def test_two_runs_are_compared_series_by_series(scope: Scope, site: Site) -> None:
    """The numbers of better and worse series are those of the two tables of champions."""
    errors = [
        pd.read_parquet(site.folder / f"artifacts/shop/runs/{run}/champions.parquet").set_index("unique_id")["value"]
        for run in (site.first, site.second)
    ]
    facts = {fact.concept: fact.value for fact in look(scope, "compare_runs")}
    assert facts["n_better"] == (errors[1] < errors[0]).sum()
    assert facts["n_worse"] == (errors[1] > errors[0]).sum()
    assert facts["run_difference"] == pytest.approx(errors[1].mean() - errors[0].mean())


@pytest.mark.parametrize(
    ("operation", "value"),
    [("sum", 300.0), ("average", 150.0), ("difference", 100.0), ("ratio", 2.0), ("share", 2.0), ("change", 1.0)],
)
def test_arithmetic_is_that_of_numbers(scope: Scope, operation: str, value: float) -> None:
    """Each operation of `compute` on 200 and 100 pieces gives what a calculator gives."""
    two = scope.ledger.add([Fact("forecast_total", number, "pieces", source="x") for number in (200.0, 100.0)])
    facts = look(scope, "compute", operation=operation, facts=[fact.id for fact in two])
    assert [fact.value for fact in facts] == [pytest.approx(value)]


def test_every_tool_is_tested_for_its_values() -> None:
    """A tool without a call here would be tested for its shape only."""
    # here or, the last two, in test_knowledge.py and backend/monitoring/test_routes.py
    elsewhere = {"rank_series", "compute", "compare_runs", "search_knowledge", "drift_and_alerts"}
    assert Counter(tool for tool, _ in CALLS).keys() | elsewhere == set(plugins.names(PACKAGE))
