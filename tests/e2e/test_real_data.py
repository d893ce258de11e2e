"""The example workspaces on the real data they were written for, with quick models."""

from pathlib import Path

import pytest

from pipelines.core.config import Project
from pipelines.core.progress import Silent
from pipelines.forecasting import flows, settings
from pipelines.forecasting.flows import Context
from pipelines.storage.store import stores

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.mark.parametrize(
    ("name", "file", "rows", "series"),
    [
        ("rossmann", "rossmann_daily_grid.parquet", 1_017_209, 1_115),
        ("gefcom2012", "gefcom2012_load_hourly.parquet", 788_280, 20),
    ],
)
def test_an_example_runs_from_its_file_to_forecasts(
    name: str, file: str, rows: int, series: int, shared_data: Path, tmp_path: Path
) -> None:
    """All rows are accounted for, every series gets its whole horizon, and the champions beat the seasonal naive."""
    environ = {
        "FORECAST_CONFIG_DIR": str(EXAMPLES),
        "FORECAST_SOURCE__PATH": str(shared_data / file),
        "FORECAST_MODELS": "[seasonal_naive, moving_average]",
        "FORECAST_BACKTEST__WINDOWS": "2",
    }
    workspace = settings.load_workspace(name, environ)
    project = Project(data_dir=str(tmp_path / "data"), artifacts_dir=str(tmp_path / "artifacts"), n_jobs=1)
    context = Context(project, stores(project), Silent())
    forecasts = flows.run_all(workspace, context).read_parquet("forecasts.parquet")
    counts = context.stores.dataset(name).info.counts
    assert counts["rows_in"] == rows
    assert counts["rows_kept"] + counts["rows_merged"] + counts["rows_rejected"] == rows
    assert forecasts.groupby("unique_id").size().eq(workspace.horizon).sum() == series
    summary = context.stores.production(name).read_json("run.json")["summary"]
    assert summary["champion"] < summary["baseline"]
    assert 0.6 < summary["coverage"]["80"] < 0.95
