"""Croston's method and its variants."""

import numpy as np
import pytest

from pipelines.core.errors import ConfigError
from pipelines.forecasting.models import croston
from tests.support.factories import one_series

EVERY_FOURTH = [0, 0, 0, 8.0] * 15


def level(values: list[float], **params: str) -> float:
    past = one_series(values)
    y_hat = croston.build(**params).fit(past).predict(past, 5)["y_hat"]
    assert y_hat.nunique() == 1
    return float(y_hat.iloc[0])


@pytest.mark.parametrize("variant", ["classic", "optimized"])
def test_demand_is_size_over_interval(variant: str) -> None:
    """Eight every fourth step is two a step."""
    assert level(EVERY_FOURTH, variant=variant) == pytest.approx(2)


def test_sba_is_lower_by_the_bias_of_the_interval() -> None:
    """Half the smoothing parameter of 0.1 is taken off, unless a variant without the correction is asked for."""
    assert level(EVERY_FOURTH) == pytest.approx(0.95 * level(EVERY_FOURTH, variant="classic"))


@pytest.mark.parametrize("variant", ["classic", "sba", "optimized"])
def test_without_a_zero_the_level_stays(variant: str) -> None:
    """Where every step has demand there is no interval to correct for."""
    assert level([5.0] * 30, variant=variant) == pytest.approx(5)
    assert level([0.0] * 30, variant=variant) == 0


def test_newer_rows_decide_on_the_correction() -> None:
    """Fitted without a zero, it is corrected as soon as zeros come."""
    newer = one_series([5.0] * 30 + [0.0] * 9 + [5.0])
    y_hat = croston.build().fit(one_series([5.0] * 30)).predict(newer, 1)["y_hat"]
    assert y_hat[0] == pytest.approx(croston.build().fit(newer).predict(newer, 1)["y_hat"][0])
    assert np.isfinite(y_hat[0])


def test_an_unknown_variant_is_named() -> None:
    """The message says what is allowed."""
    with pytest.raises(ConfigError, match=r"'sbj'. Use one of: classic, sba, optimized"):
        croston.build(variant="sbj")  # type: ignore[arg-type]
