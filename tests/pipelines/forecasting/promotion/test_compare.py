"""What differs between two runs."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pipelines.forecasting.promotion.compare import changes, compare
from pipelines.storage.folders import Folder
from pipelines.storage.layout import Places
from pipelines.storage.store import Store
from tests.support import records

MARCH, APRIL = ["2024-03-01 00:00", "2024-03-08 00:00"], ["2024-04-01 00:00", "2024-04-08 00:00"]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path))


def run(store: Store, name: str, errors: list[float], cutoffs: list[str] = MARCH, **config: Any) -> Folder:
    """A run of three series with these errors over these windows."""
    figures = {"champion": sum(errors) / 3, "baseline": 1.0, "skill": 0.5, "coverage": {"80": 0.8}, "cutoffs": cutoffs}
    draft = store.draft(Places("shop").run(name))
    draft.write_record(records.run({"backtest": {"gap": 0}, **config}, summary={**figures, "leaderboard": {}}))
    table = pd.DataFrame({"unique_id": ["a", "b", "c"], "model": "theta", "metric": "mase", "value": errors})
    draft.write_parquet("champions.parquet", table)
    return draft.publish()


def test_series_are_counted_over_the_same_windows(store: Store) -> None:
    """Each on its side, and every figure with its change."""
    found = compare(
        run(store, "20240101T000000Z-00000001", [1, 2, 3]), run(store, "20240101T000000Z-00000002", [1, 1, 5])
    )
    assert (found["comparable"], found["n_better"], found["n_worse"], found["n_equal"]) == (True, 1, 1, 1)
    assert {row["metric"]: row["delta"] for row in found["metrics"]}["champion"] == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (
            {"cutoffs": APRIL},
            "the backtest windows differ: those after 2024-03-01, 2024-03-08, and those after 2024-04-01, 2024-04-08",
        ),
        (
            {"cutoffs": [MARCH[0]]},
            "the backtest windows differ: those after 2024-03-01, 2024-03-08, and those after 2024-03-01",
        ),
        ({"horizon": 14}, "the horizons differ: 7 and 14 steps"),
        ({"backtest": {"gap": 2}}, "the gaps after the cutoffs differ: 0 and 2 steps"),
        ({"metric": "mae"}, "the metrics differ: mase and mae"),
    ],
)
def test_over_other_windows_no_series_got_better(store: Store, changed: dict[str, Any], reason: str) -> None:
    """What differs is said exactly; figures stand side by side without a difference."""
    first = run(store, "20240101T000000Z-00000001", [1, 2, 3])
    found = compare(first, run(store, "20240101T000000Z-00000002", [0, 0, 0], **changed))
    assert (found["comparable"], found["reason"]) == (False, reason)
    assert (found["n_better"], found["n_worse"], found["n_equal"], found["better"], found["worse"]) == (0, 0, 0, [], [])
    assert found["metrics"]
    assert all(row["delta"] is None for row in found["metrics"])
    json.dumps(found)


def test_changes_are_named_by_dotted_keys() -> None:
    """Nested, added, removed and replaced; lists are compared whole."""
    a = {"horizon": 7, "target": {"unit": "kg", "name": "y"}, "models": ["a"], "old": {"x": 1}}
    b = {"horizon": 14, "target": {"unit": "kg", "name": "z"}, "models": ["a", "b"], "new": None, "fresh": 1}
    assert changes(a, b) == [
        {"key": "fresh", "a": None, "b": 1},
        {"key": "horizon", "a": 7, "b": 14},
        {"key": "models", "a": ["a"], "b": ["a", "b"]},
        {"key": "old", "a": {"x": 1}, "b": None},
        {"key": "target.name", "a": "y", "b": "z"},
    ]
    assert changes(a, a) == []
