"""Records with what each must have, for tests that are about something else."""

from typing import Any

from pipelines.forecasting.records import Monitoring
from pipelines.storage.records import Etl, ForecastSet, Run

CONFIG = {"frequency": "D", "horizon": 7, "metric": "mase", "levels": [80, 95]}


def run(config: dict[str, Any] | None = None, **changed: Any) -> Run:
    """A successful run."""
    return Run(**{"units": "fraction", "status": "success", "config": {**CONFIG, **(config or {})}, **changed})


def forecast_set(run_id: str, **changed: Any) -> ForecastSet:
    """What a run forecast."""
    return ForecastSet(**{"run_id": run_id, "as_of": "2024-01-01T00:00:00Z", "horizon": 7, **changed})


def etl(**changed: Any) -> Etl:
    """A data version."""
    return Etl(**{"frequency": "D", "horizon": 7, "synthetic": False, **changed})


def monitoring(workspace: str, **changed: Any) -> Monitoring:
    """What a monitoring found: nothing."""
    known = {
        "units": "fraction",
        "run_id": "",
        "data_version": "",
        "as_of": "2024-06-01T00:00:00Z",
        "status": "ok",
        "n_series": 0,
    }
    return Monitoring(**{**known, "workspace": workspace, "counts": {}, **changed})
