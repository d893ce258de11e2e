"""Complex exponential smoothing."""

import numpy as np

from pipelines.forecasting.models import ces
from tests.support.factories import one_series


def test_trend_and_season_go_on() -> None:
    """A line with a season on it is continued, and nothing falls back on the last value."""
    steps = np.arange(96)
    y = 50 + 0.5 * steps + 8 * np.sin(2 * np.pi * steps / 12) + np.random.default_rng(1).normal(0, 0.5, 96)
    past, actual = one_series(y[:84], (12,)), y[84:]
    forecaster = ces.build().fit(past)
    errors = forecaster.predict(past, 12)["y_hat"].to_numpy() - actual
    assert np.abs(errors).mean() < 2
    assert not forecaster.fallbacks_


def test_a_flat_series_that_moves_later_is_forecast_from_where_it_is() -> None:
    """Fitted while nothing happened, it forecasts the newer level."""
    forecaster = ces.build().fit(one_series([5.0] * 30))
    assert np.allclose(forecaster.predict(one_series([5.0] * 30 + [7.0]), 3)["y_hat"], 7)
