"""Shares are fractions in every answer and every published file: 0.801, never 80.1."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd
import pytest
from starlette.testclient import TestClient

from tests.backend.conftest import connect
from tests.support import site as sites
from tests.support.site import IDS, Site

# Where a value may lie, by the name of its field or of the metric that its row names; anything else is no share.
RANGES: dict[str, tuple[float, float]] = {
    "coverage": (0, 1),
    "coverage_baseline": (0, 1),
    **{f"coverage_{level}{of}": (0, 1) for level in (80, 95) for of in ("", "_baseline")},
    "share": (0, 1),
    "share_zero": (0, 1),
    "seasonal_strength": (0, 1),
    "trend_strength": (0, 1),
    "percentile": (0, 1),
    "uncovered": (-1, 1),
    "skill": (-math.inf, 1),
    "skill_baseline": (-math.inf, 1),
    "skill_vs_seasonal_naive": (-math.inf, 1),
    "smape": (0, 2),
    "mape": (0, 3),  # of the fixture; without bounds in general
    "wape": (0, 3),
    "wape_baseline": (0, 3),
}
NAMED_BY = ("metric", "kind", "by")  # fields that name what `value` is of
VALUES = ("value", "baseline", "a", "b")
READ = {"run_id": "second", "unique_id": IDS[0], "workspace": "shop"}
QUERIES = [{}, {"by": "series"}, {"by": "region"}, {"of": "skill"}] + [
    {"metric": metric, "by": by} for metric in ("coverage_80", "smape", "wape") for by in ("model", "series", "cutoff")
]  # fmt: skip


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A project with runs, forecasts and four weeks of monitoring."""
    return sites.made(tmp_path_factory, "watched")


@pytest.fixture
def client(watched: Site, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    for variable, value in watched.environ.items():
        monkeypatch.setenv(variable, value)
    return connect(watched)


def shares(value: Any, name: str = "", metric: str = "") -> Iterator[tuple[str, float]]:
    """Every share in a JSON value, with the name that says what it is: its own, or that of its row's or table's metric."""
    if isinstance(value, dict):
        metric = next((str(value[key]) for key in NAMED_BY if str(value.get(key)) in RANGES), metric)
        for key, part in value.items():
            yield from shares(part, metric if metric and key in VALUES else name if key.isdigit() else key, metric)
    elif isinstance(value, list):
        for part in value:
            yield from shares(part, name, metric)
    elif name in RANGES and isinstance(value, int | float) and not isinstance(value, bool):
        yield name, value


def outside(found: list[tuple[str, float]]) -> list[tuple[str, float]]:
    return [(name, value) for name, value in found if not RANGES[name][0] <= value <= RANGES[name][1]]


def test_no_answer_has_a_share_outside_of_its_range(client: TestClient, watched: Site) -> None:
    """Every endpoint that is read, in each of its groupings: coverage, shares, skill and errors that are shares."""
    given = {**READ, "run_id": watched.second, "a": watched.first, "b": watched.second}
    seen: dict[str, set[str]] = {}
    for path, operations in client.app.openapi()["paths"].items():  # type: ignore[attr-defined]
        if "get" not in operations or "/knowledge/" in path:  # texts
            continue
        url = path
        for name, value in given.items():
            url = url.replace(f"{{{name}}}", quote(value, safe=""))
        for query in QUERIES:
            named = {one["name"] for one in operations["get"].get("parameters", ())}
            asked = {
                name: value for name, value in {**given, **query}.items() if name in named and f"{{{name}}}" not in path
            }
            if not set(query) <= named or "{" in url:
                continue
            answer = client.get(url, params=asked)
            if answer.status_code != 200 or "json" not in answer.headers["content-type"]:
                continue
            found = list(shares(answer.json()))
            assert not outside(found), f"{url} {query}"
            seen.setdefault(path, set()).update(name for name, _ in found)
    told = {name for names in seen.values() for name in names}
    assert {"coverage", "coverage_80", "share", "share_zero", "skill", "wape", "smape"} <= told
    for path in ("/workspaces", "/runs/{run_id}", "/runs/{run_id}/calibration", "/metrics/historical", "/runs/compare"):
        assert seen[f"/api/v1{path}"], path
    for path in ("/monitoring/summary", "/monitoring/series", "/portfolio", "/portfolio/segments", "/series"):
        assert seen[f"/api/v1{path}"], path


def test_one_run_covers_the_same_wherever_it_is_told(client: TestClient, watched: Site) -> None:
    """The list of workspaces, the run and its calibration."""
    (workspace,) = (one for one in client.get("/api/v1/workspaces").json()["items"] if one["name"] == "shop")
    of = {"workspace": "shop"}
    run = client.get(f"/api/v1/runs/{watched.second}", params=of).json()
    rows = client.get(f"/api/v1/runs/{watched.second}/calibration", params=of).json()["rows"]
    overall = {str(row["level"]): row["coverage"] for row in rows if row["by"] == "all"}
    assert workspace["accuracy"]["coverage"] == run["summary"]["coverage"] == overall


def test_no_published_share_is_outside_of_its_range(watched: Site) -> None:
    """Every table and record of runs and monitorings, read by nothing of ours; the records name the unit."""
    root = Path(watched.environ["FORECAST_ARTIFACTS_DIR"]) / "shop"
    told: set[str] = set()
    for folder in (*root.glob("runs/*"), *root.glob("monitoring/*/")):
        for path in folder.glob("*.parquet"):
            found = list(shares(json.loads(pd.read_parquet(path).to_json(orient="records"))))
            assert not outside(found), path
            told |= {name for name, _ in found}
        for path in (one for one in folder.glob("*.json") if one.name in ("run.json", "summary.json")):
            record = json.loads(path.read_text())
            assert record["units"] == "fraction"
            assert not outside(list(shares(record))), path
    assert {"coverage", "coverage_80", "coverage_80_baseline", "wape", "smape", "mape", "skill"} <= told
