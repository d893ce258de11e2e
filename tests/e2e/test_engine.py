"""The same tasks on this machine's processes, on a real Dask cluster and on a real Ray: the same forecasts."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from distributed import LocalCluster
from pandas.testing import assert_frame_equal
from ray.cluster_utils import Cluster

from pipelines.core.config import Engine, Project
from pipelines.core.errors import ConfigError, ModelError
from pipelines.core.progress import Silent
from pipelines.forecasting import flows, settings
from pipelines.forecasting.evaluation import parallel
from pipelines.forecasting.flows import Context
from pipelines.storage.store import stores
from tests.e2e import tasks


@pytest.fixture(scope="module", params=["dask", "ray"])
def cluster(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """A real cluster of two workers, started once for all tests of a backend, as the settings name it."""
    if request.param == "dask":
        with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as dask:
            yield Engine(backend="dask", address=dask.scheduler_address)
    else:
        ray = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "include_dashboard": False})
        yield Engine(backend="ray", address=ray.address)
        ray.shutdown()


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """The forecasts of the workspace, made in this process."""
    return forecasts(tmp_path_factory.mktemp("local"), Engine())


def forecasts(folder: Path, engine: Engine) -> pd.DataFrame:
    """Five shops' sales with a weekly season, from a CSV to published forecasts, by models of one series and of all."""
    rng = np.random.default_rng(3)
    day = np.arange(84)
    rows = [
        pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=84), "shop": shop, "y": 20 + k * (day % 7) + noise})
        for k, shop in enumerate("abcde")
        for noise in [rng.normal(0, 2, 84)]
    ]
    (folder / "configs/workspaces").mkdir(parents=True)
    (folder / "data/inbox").mkdir(parents=True)
    pd.concat(rows).to_csv(folder / "data/inbox/mine.csv", index=False)
    (folder / "configs/workspaces/mine.yaml").write_text(
        "source: {kind: file, path: inbox/mine.csv}\nfrequency: D\nhorizon: 7\nmodels: [moving_average, theta, gbm]\n"
    )
    where = {"data_dir": str(folder / "data"), "artifacts_dir": str(folder / "artifacts")}
    project = Project(**where, n_jobs=1, bucket=2, engine=engine)
    workspace = settings.load_workspace("mine", {"FORECAST_CONFIG_DIR": str(folder / "configs")})
    found = flows.run_all(workspace, Context(project, stores(project), Silent()))
    return found.read_parquet("forecasts.parquet")


def test_a_cluster_makes_the_same_forecasts(local: pd.DataFrame, cluster: Engine, tmp_path: Path) -> None:
    """From the project's settings alone; point forecasts and intervals are equal to the last bit."""
    assert_frame_equal(forecasts(tmp_path, cluster), local, check_exact=True)


def test_the_cluster_does_the_work(cluster: Engine) -> None:
    """Every task runs in a worker, none here, and the results keep the order of the tasks; an error comes as it is."""
    with parallel.engine(cluster, 1):
        found = list(parallel.run(tasks.doubled, range(40), 1, "test", Silent()))
        with pytest.raises(ModelError, match="no 3 today"):
            list(parallel.run(tasks.failing_at_3, range(6), 1, "test", Silent()))
    assert [value for value, _ in found] == [2 * n for n in range(40)]
    workers = {pid for _, pid in found}
    assert os.getpid() not in workers
    assert 1 <= len(workers) <= 2


@pytest.mark.parametrize("backend", ["dask", "ray"])
def test_without_an_address_a_cluster_of_this_machine_lasts_as_long_as_the_work(backend: str) -> None:
    """It has the processes that were asked for, and after it the work is done here again."""
    with parallel.engine(Engine.model_validate({"backend": backend}), 1):
        (_, there), (_, too) = parallel.run(tasks.doubled, range(2), 1, "test", Silent())
    (_, here), _ = parallel.run(tasks.doubled, range(2), 1, "test", Silent())
    assert there == too
    assert here == os.getpid()


@pytest.mark.parametrize(
    ("backend", "address", "what"),
    [
        ("dask", "nowhere", "missing port number"),
        ("dask", "gopher://127.0.0.1:1", "unknown address scheme"),
        ("ray", "127.0.0.1:1", "Connection refused"),
        ("ray", "nowhere", "use host:port"),
    ],
)
def test_an_address_that_does_not_answer_is_told_at_once(backend: str, address: str, what: str) -> None:
    """One message with backend, address, reason and remedy."""
    chosen = Engine.model_validate({"backend": backend, "address": address})
    with pytest.raises(ConfigError, match=what) as told, parallel.engine(chosen, 2):
        pass
    assert f"engine.address: {address} cannot be used with {backend}" in str(told.value)
    assert "engine.address" in str(told.value).rpartition("(")[2]


@pytest.mark.parametrize(("backend", "library"), [("dask", "distributed"), ("ray", "ray.util.joblib")])
def test_a_missing_library_is_named_with_its_extra(backend: str, library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither is part of the default install."""
    monkeypatch.setitem(sys.modules, library, None)
    chosen = Engine.model_validate({"backend": backend})
    with pytest.raises(ConfigError, match=rf"pip install -e \.\[{backend}\]"), parallel.engine(chosen, 2):
        pass


def test_an_address_without_a_backend_is_a_mistake() -> None:
    """It would be ignored."""
    with pytest.raises(ValueError, match="an address needs backend dask or ray"):
        Engine(address="tcp://scheduler:8786")
