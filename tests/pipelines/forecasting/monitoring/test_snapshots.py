"""How monitorings are kept: the newest ones, and all that the next one goes on from."""

import os
from pathlib import Path

import pandas as pd
import pytest

from pipelines.core.errors import NotFound
from pipelines.forecasting.monitoring import alerts, snapshots
from pipelines.forecasting.monitoring.alerts import Alert
from pipelines.forecasting.monitoring.snapshots import Snapshot
from pipelines.forecasting.records import Key
from pipelines.storage.catalog import Reader
from pipelines.storage.store import Store, Stores
from tests.support import records

NOW = pd.Timestamp("2024-06-01")


def monitored(reader: Stores, before: Snapshot) -> str:
    """One more monitoring, with a report."""
    history = before.summary.history if before.summary else []
    found = Snapshot(summary=records.monitoring("shop", history=history))
    draft = found.draft(reader, Key(), NOW, 0)
    draft.write_text(snapshots.REPORT, "<p>report</p>")
    return snapshots.publish(reader, "shop", draft, "2024-06-01T00:00:00Z").name


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return Stores(Store(str(tmp_path / "data")), Store(str(tmp_path / "artifacts")))


def test_old_monitorings_go_and_nothing_is_lost_with_them(reader: Reader, tmp_path: Path) -> None:
    """The newest three stay; the history still tells of all five, and the log of alerts is untouched."""
    names = []
    for _ in range(5):
        names.append(monitored(reader, Snapshot.newest(reader, "shop")))
        alerts.raise_new(reader, [Alert("shop", "health", names[-1], "2024-06-01", "warn", "late")])
    for path in (tmp_path / "artifacts/shop/monitoring").iterdir():
        os.utime(path, (0, 0))  # of long ago
    assert snapshots.tidy(reader, "shop", 3) == names[:2]
    assert reader.artifacts.folders(reader.places("shop").monitorings) == names[2:]
    newest = Snapshot.newest(reader, "shop")
    assert [point.monitoring_id for point in newest.summary.history] == names
    assert len(alerts.all_of(reader, "shop")) == 5
    with pytest.raises(NotFound):
        reader.monitoring("shop", names[0])
    assert snapshots.tidy(reader, "shop", 3) == []


def test_the_monitoring_that_is_pointed_to_always_stays(reader: Reader) -> None:
    """Also where others were finished after it, by a process that died before it could point to them."""
    first = monitored(reader, Snapshot())
    for _ in range(3):
        Snapshot(summary=Snapshot.newest(reader, "shop").summary).draft(reader, Key(), NOW, 0).publish()
    assert len(snapshots.tidy(reader, "shop", 2)) == 1
    assert reader.monitoring("shop").name == first
