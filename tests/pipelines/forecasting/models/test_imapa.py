"""Intermittent demand at several levels of aggregation."""

import pytest

from pipelines.forecasting.models import imapa
from tests.support.factories import one_series


@pytest.mark.parametrize(("values", "level"), [([0, 0, 6.0] * 30, 2), ([5.0] * 30, 5), ([0.0] * 30, 0)])
def test_the_level_is_the_mean_demand_a_step(values: list[float], level: float) -> None:
    """Regular demand, demand at every step, and none at all."""
    past = one_series(values)
    y_hat = imapa.build().fit(past).predict(past, 5)["y_hat"]
    assert y_hat.to_numpy() == pytest.approx([level] * 5, rel=0.15)
