"""The trees of `gbm` on changes since the last season, season by season: what suits a level that wanders."""

from typing import Any

from pipelines.forecasting.models import gbm
from pipelines.forecasting.protocols import Forecaster


def build(**params: Any) -> Forecaster:
    """As `gbm`, with other defaults."""
    return gbm.build(**{"block": "season", "difference": True, **params})
