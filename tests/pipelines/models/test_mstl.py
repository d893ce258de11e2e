"""Several seasons at once."""

import numpy as np
import pytest

from pipelines.models import mstl
from tests.factories import one_series

DAY, WEEK = 24, 168


def hourly(n: int) -> np.ndarray:
    """A day within a week, on a slow line, with noise."""
    steps = np.arange(n)
    day, week = 10 * np.sin(2 * np.pi * steps / DAY), 6 * np.sin(2 * np.pi * steps / WEEK)
    return 100 + 0.01 * steps + day + week + np.random.default_rng(3).normal(0, 0.5, n)


def error(y: np.ndarray, h: int, seasons: tuple[int, ...], **params: list[int]) -> float:
    past = one_series(y[:-h], seasons, "h")
    y_hat = mstl.build(**params).fit(past).predict(past, h)["y_hat"]
    return float(np.abs(y_hat - y[-h:]).mean())


def test_both_seasons_are_learnt() -> None:
    """A week ahead, the day and the week are both there; the day alone misses by the week."""
    y = hourly(700)
    assert error(y, WEEK, (DAY, WEEK)) < 1.5
    assert error(y, WEEK, (DAY, WEEK), season_lengths=[DAY]) > 2.5


@pytest.mark.parametrize(("n", "seasons"), [(700, [24, 168]), (335, [24]), (48, [24]), (47, [])])
def test_a_season_counts_where_it_fits_in_twice(n: int, seasons: list[int]) -> None:
    """What a short series cannot show is left out, down to the trend alone."""
    past = one_series(hourly(n), (1, DAY, WEEK), "h")
    forecaster = mstl.build().fit(past)
    assert getattr(forecaster.fitted_["a"][0], "season_length", []) == (seasons or 1)
    assert np.isfinite(forecaster.predict(past, 5)["y_hat"]).all()
    assert not forecaster.fallbacks_


def test_newer_rows_move_the_seasons_along() -> None:
    """Fitted ten hours ago, it continues from now: the day is not ten hours late."""
    y = hourly(620)
    forecaster = mstl.build().fit(one_series(y[:586], (DAY, WEEK), "h"))
    y_hat = forecaster.predict(one_series(y[:596], (DAY, WEEK), "h"), 24)["y_hat"]
    assert np.abs(y_hat - y[596:]).mean() < 1.5
