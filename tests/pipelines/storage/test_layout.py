"""The layout: the paths of release 0.1.0, a prefix for each other tenant, and no way out."""

import inspect
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.core.errors import ConfigError
from pipelines.storage import layout
from pipelines.storage.layout import Place, Places
from pipelines.storage.store import Store

V = "20240101T000000Z-00000000"
TAKING_A_NAME: list[Callable[[Places, str], Place]] = [
    Places.snapshot,
    Places.dataset,
    Places.upload,
    Places.run,
    Places.forecast_set,
    Places.monitoring,
    Places.job,
    Places.note,
]


def test_the_paths_are_those_of_the_last_release() -> None:
    """Written out: what is stored must be found again."""
    places = Places("shop")
    found = {
        name: str(getattr(places, name))
        for name, kind in inspect.getmembers(Places)
        if not callable(kind) and name[0] != "_"
    }
    assert found == {
        "alerts": "shop/monitoring/alerts.jsonl",
        "audit": "shop/audit.jsonl",
        "cloud_jobs": "shop/jobs/cloud_run.json",
        "current_dataset": "processed/shop/current.json",
        "current_monitoring": "shop/monitoring/current.json",
        "current_notes": "shop/knowledge/notes.json",
        "dead_letters": "shop/monitoring/dead_letters.jsonl",
        "forecast_sets": "shop/forecasts",
        "index": "shop/knowledge/index",
        "jobs": "shop/jobs",
        "monitorings": "shop/monitoring",
        "notes": "shop/knowledge/notes",
        "pointers": "shop/pointers.json",
        "processed": "processed/shop",
        "raw": "raw/shop",
        "runs": "shop/runs",
        "tenant": "default",
        "uploads": "uploads/shop",
        "uploads_audit": "uploads/shop/audit.jsonl",
        "uploads_lock": "uploads/shop/lock",
    }
    assert [str(take(places, V)) for take in TAKING_A_NAME] == [
        f"raw/shop/{V}",
        f"processed/shop/{V}",
        f"uploads/shop/{V}",
        f"shop/runs/{V}",
        f"shop/forecasts/{V}",
        f"shop/monitoring/{V}",
        f"shop/jobs/{V}",
        f"shop/knowledge/notes/{V}",
    ]


def test_another_tenant_has_the_same_paths_below_a_name_that_no_workspace_has() -> None:
    """So that neither a workspace called as the tenant nor one called as a directory is ever another's."""
    assert str(Places("shop", "acme").run(V)) == f"@acme/shop/runs/{V}"
    assert str(Places("shop", "acme").dataset(V)) == f"@acme/processed/shop/{V}"
    assert str(layout.all_uploads("acme")) == "@acme/uploads"
    with pytest.raises(ConfigError, match="not allowed"):
        Places("@acme")


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", "/etc", "a\0b", ".jobs", "@acme"])
def test_no_name_leads_elsewhere(name: str) -> None:
    """Of a workspace, a tenant, or anything in a workspace."""
    with pytest.raises(ConfigError, match=r"workspace .* is not allowed"):
        Places(name)
    with pytest.raises(ConfigError, match=r"tenant .* is not allowed"):
        Places("shop", name)
    for take in TAKING_A_NAME:
        with pytest.raises(ConfigError):
            take(Places("shop"), name)


def test_an_upload_that_a_workspace_uses_is_found_in_its_file() -> None:
    """By the place that the layout gives it."""
    path = Places("mine").upload(V).file("table.csv")
    assert layout.uploads_in(f"source: {{kind: file, path: {path}}}\n") == {V}


def test_a_file_of_the_data_folder_is_fetched_to_the_same_place(tmp_path: Path) -> None:
    """One file, or all below a directory."""
    store = Store(str(tmp_path / "data"))
    for name in ("inbox/a.csv", "inbox/deep/b.csv"):
        store.medium.write(layout.source(name), name.encode())
    store.fetch(layout.source("inbox/a.csv"), to=str(tmp_path / "one"))
    store.fetch(layout.source("inbox"), to=str(tmp_path / "all"))
    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.csv")}
    assert {"one/inbox/a.csv", "all/inbox/a.csv", "all/inbox/deep/b.csv"} <= found
    assert "one/inbox/deep/b.csv" not in found
