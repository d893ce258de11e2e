"""The demo's workspaces as tests have them: forecast by naive models, which takes seconds."""

import shutil
from pathlib import Path

import pytest

from pipelines.core.config import Project
from pipelines.core.progress import Silent
from pipelines.forecasting import flows, settings
from pipelines.forecasting.flows import Context
from pipelines.storage.store import Store, Stores
from scripts import demo as demos
from scripts.simulate import replay

ROOT = Path(__file__).parents[3]


def make(folder: Path) -> Path:
    """Each is trained and forecast twice, so that there is a run before."""
    shutil.copytree(ROOT / "configs", folder / "configs")
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in environ(folder).items():
            patch.setenv(variable, value)
        project = Project(data_dir=str(folder / "data"), artifacts_dir=str(folder / "artifacts"), n_jobs=1)
        context = Context(project, Stores(Store(str(folder / "data")), Store(str(folder / "artifacts"))), Silent())
        for name in demos.WORKSPACES:
            found = settings.load_workspace(name).model_copy(update={"models": ("seasonal_naive", "moving_average")})
            flows.etl(found, context)
            for _ in range(2):
                flows.train(found, context, force=True)
                flows.inference(found, context)
        (folder / "data/inbox").mkdir(parents=True, exist_ok=True)
        replay(demos.SOURCE, settings.load_workspace(demos.REPLAYED), context, demos.STEPS, demos.EVERY, demos.SHIFT)
    return folder


def environ(folder: Path) -> dict[str, str]:
    """Where the service finds a project."""
    return {
        "FORECAST_CONFIG_DIR": str(folder / "configs"),
        "FORECAST_DATA_DIR": str(folder / "data"),
        "FORECAST_ARTIFACTS_DIR": str(folder / "artifacts"),
    }
