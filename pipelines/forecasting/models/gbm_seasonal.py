"""The trees of `gbm` on changes since the last season, season by season: for series with a drifting level."""

from typing import Any

from pipelines.forecasting.models import gbm
from pipelines.forecasting.protocols import Forecaster


def build(**params: Any) -> Forecaster:
    """Builds `gbm` with other defaults."""
    return gbm.build(**{"block": "season", "difference": True, **params})
