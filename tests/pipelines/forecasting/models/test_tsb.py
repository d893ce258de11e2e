"""Teunter, Syntetos and Babai's method."""

import numpy as np
import pytest

from pipelines.forecasting.models import croston, tsb
from pipelines.forecasting.protocols import Forecaster
from tests.support.factories import one_series

SOLD = [0, 0, 6.0] * 20


def level(forecaster: Forecaster, values: list[float]) -> float:
    past = one_series(values)
    return float(forecaster.fit(past).predict(past, 4)["y_hat"].iloc[-1])


def test_what_is_no_longer_bought_goes_towards_zero() -> None:
    """Each step without demand takes a tenth off; Croston's method stays where the last demand left it."""
    before, after = level(tsb.build(), SOLD), level(tsb.build(), SOLD + [0.0] * 40)
    assert after == pytest.approx(before * 0.9**40)
    assert level(croston.build(), SOLD + [0.0] * 40) == pytest.approx(level(croston.build(), SOLD))


def test_the_level_is_size_times_probability() -> None:
    """Six on a third of the steps is about two a step."""
    assert level(tsb.build(alpha_p=0.02), SOLD * 5) == pytest.approx(2, rel=0.1)


def test_negative_values_fall_back_on_the_last() -> None:
    """There is no demand to smooth in a series below zero: its forecast is its last value."""
    past = one_series(-np.arange(1.0, 20.0))
    forecaster = tsb.build().fit(past)
    assert forecaster.fallbacks_ == {"a"}
    assert (forecaster.predict(past, 3)["y_hat"] == -19).all()
