"""What training begins with: the same panel, whether it is held here or read by a worker."""

import pickle

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from pipelines.core.config import Project
from pipelines.core.progress import Silent
from pipelines.forecasting import flows, prepare, settings
from pipelines.forecasting.flows import Context
from pipelines.forecasting.panel import Panel
from pipelines.forecasting.settings import Workspace
from pipelines.storage.catalog import Dataset
from pipelines.storage.store import stores

KEY = "a key that signs artifacts"


@pytest.fixture(scope="module")
def brought_in(tmp_path_factory: pytest.TempPathFactory) -> tuple[Dataset, Workspace]:
    """Forty shops: some late, one that ended, with a price known in advance, attributes, and holidays; signed."""
    folder = tmp_path_factory.mktemp("inputs")
    rng = np.random.default_rng(5)
    parts = []
    for k in range(40):
        ds = pd.date_range("2024-01-01", periods=30 - (k % 3) - 20 * (k == 7))
        ahead = pd.date_range("2024-01-31", periods=4)
        rows = pd.DataFrame({"ds": [*ds, *ahead], "shop": f"shop {k:02}", "region": "north" if k % 2 else "south"})
        y = [*rng.poisson(5, len(ds)), *[np.nan] * 4]
        parts.append(rows.assign(y=y, price=rng.uniform(1, 2, len(rows)).round(2)))
    (folder / "configs/workspaces").mkdir(parents=True)
    (folder / "data/inbox").mkdir(parents=True)
    pd.concat(parts).to_csv(folder / "data/inbox/mine.csv", index=False)
    (folder / "configs/workspaces/mine.yaml").write_text(
        "source: {kind: file, path: inbox/mine.csv, columns: {keys: [shop]}}\nfrequency: D\nhorizon: 4\n"
        "covariates: {future: [price], static: [region]}\nholidays: {country: GB}\n"
    )
    project = Project(data_dir=str(folder / "data"), artifacts_dir=str(folder / "artifacts"))
    workspace = settings.load_workspace("mine", {"FORECAST_CONFIG_DIR": str(folder / "configs")})
    dataset = flows.etl(workspace, Context(project, stores(project, KEY), Silent()))
    return dataset, workspace.complete(dataset.info.frequency)


def test_a_part_read_from_the_store_is_what_a_selection_leaves(brought_in: tuple[Dataset, Workspace]) -> None:
    """All its tables, to the last bit, in a process that got nothing but the pickled part; the order of names is no matter."""
    dataset, workspace = brought_in
    whole, share = prepare.read(dataset, workspace, ["gbm"]), prepare.stored(dataset, workspace, ["gbm"])
    assert len(whole.ids) == 39
    for ids in (["shop 05", "shop 03"], ["shop 00"], whole.ids):
        part = pickle.loads(pickle.dumps(share(whole, ids)))()
        for ours, theirs in zip(_tables(part), _tables(whole.select(ids)), strict=True):
            assert_frame_equal(ours, theirs, check_exact=True)
        assert (part.horizon, part.future, part.season_lengths) == (4, ("price", "holiday"), whole.season_lengths)


def test_only_names_travel(brought_in: tuple[Dataset, Workspace]) -> None:
    """A part is as small for a long history as for a short one, and the key that signs stays at home."""
    dataset, workspace = brought_in
    whole = prepare.read(dataset, workspace, ["gbm"])
    sent = pickle.dumps(prepare.stored(dataset, workspace, ["gbm"])(whole, whole.ids))
    assert len(sent) < 10_000 < len(pickle.dumps(whole))
    assert KEY.encode() not in sent


def _tables(panel: Panel) -> list[pd.DataFrame]:
    assert panel.known is not None
    assert panel.static is not None
    return [panel.history, panel.known, panel.static]
