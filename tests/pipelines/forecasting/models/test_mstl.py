"""Several seasons at once."""

import numpy as np
import pytest

from pipelines.forecasting.models import mstl
from tests.support.factories import hourly, one_series

DAY, WEEK = 24, 168


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


def test_it_says_what_its_forecast_is_made_of() -> None:
    """Each season as it truly is, the level of the line's end and its slope, from newer rows than it was fitted on too."""
    y = hourly(710)
    forecaster = mstl.build().fit(one_series(y[:700], (DAY, WEEK), "h"))
    assert isinstance(forecaster, mstl.MstlForecaster)
    for n in (700, 710):
        found = forecaster.explain(one_series(y[:n], (DAY, WEEK), "h"), 48)
        parts = found.pivot(index="ds", columns="component", values="value")
        steps = np.arange(n, n + 48)
        assert list(parts.columns) == ["level", "season 168", "season 24", "trend"]
        assert np.abs(parts["season 24"] - 10 * np.sin(2 * np.pi * steps / DAY)).mean() < 0.7
        assert np.abs(parts["season 168"] - 6 * np.sin(2 * np.pi * steps / WEEK)).mean() < 1
        assert np.abs(parts["level"] - (100 + 0.01 * n)).max() < 1
        assert np.abs(parts["trend"]).max() < 1


def test_what_it_could_not_fit_is_level_and_nothing_else() -> None:
    """The last value, as it forecasts it; without a season there is a trend beside the level."""
    short, line = one_series([1.0, 2.0, 4.0], (DAY,), "h"), one_series(np.arange(20.0), (DAY,), "h")
    found = mstl.build().fit(short).explain(short, 2)  # type: ignore[attr-defined]
    assert found[["component", "value"]].to_numpy().tolist() == [["level", 4.0]] * 2
    found = mstl.build().fit(line).explain(line, 2)  # type: ignore[attr-defined]
    assert found["component"].tolist() == ["level", "trend"] * 2
    assert found["value"].to_numpy() == pytest.approx([19, 1, 19, 2], abs=0.01)
