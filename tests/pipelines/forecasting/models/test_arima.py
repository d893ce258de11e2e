"""ARIMA by statsforecast."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from pipelines.core.errors import ModelError
from pipelines.forecasting.models import arima
from tests.support.factories import one_series, panel


def test_trend_goes_on() -> None:
    """A line with noise is continued upwards, from newer rows too."""
    y = 20 + 0.8 * np.arange(80) + np.random.default_rng(2).normal(0, 0.5, 80)
    forecaster = arima.build().fit(one_series(y[:60]))
    for seen in (60, 70):
        y_hat = forecaster.predict(one_series(y[:seen]), 10)["y_hat"]
        assert np.abs(y_hat - y[seen : seen + 10]).mean() < 1.5
    assert not forecaster.fallbacks_


def test_a_season_too_long_or_too_rare_is_left_out() -> None:
    """Above 24 steps, and where it does not fit in twice, the model has no seasonal part."""
    y = np.random.default_rng(4).normal(10, 1, 60)
    for season, used in ((7, 7), (24, 24), (25, 1), (31, 1)):
        model, _ = arima.build().fit(one_series(y, (season,))).fitted_["a"]
        assert model.season_length == used


def test_covariates_that_say_the_same_are_used_once() -> None:
    """A constant column and a copy of another one do not make the regressors unfit, and the price still counts."""
    past = panel(ids=("a",), future=("price",), ahead=9)
    assert past.known is not None

    def doubled(rows: pd.DataFrame) -> pd.DataFrame:
        return rows.assign(twice=rows["price"] * 2 - 1, shop=3.0)

    every = replace(past, future=("price", "twice", "shop"), history=doubled(past.history), known=doubled(past.known))
    forecaster = arima.build().fit(every)
    assert len(forecaster.fitted_["a"][1]) == 1
    assert not forecaster.fallbacks_
    expected = arima.build().fit(past).predict(past, 9, past.known)["y_hat"]
    assert np.allclose(forecaster.predict(every, 9, every.known)["y_hat"], expected)


def test_covariates_that_are_not_given_are_asked_for() -> None:
    """A forecast without the price that it was fitted with would be a guess."""
    past = panel(ids=("a",), future=("price",))
    with pytest.raises(ModelError, match="arima needs price"):
        arima.build().fit(past).predict(past, 3)
