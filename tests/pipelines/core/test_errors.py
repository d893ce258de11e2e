"""The closest valid name of one that is wrong."""

import pytest

from pipelines.core.errors import did_you_mean

MODELS = ("auto_arima", "croston", "ensemble", "naive", "prophet", "seasonal_naive", "theta")


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("thetta", "theta"),
        ("prohpet", "prophet"),
        ("naïve", "naive"),
        ("season_naive", "seasonal_naive"),
        ("THETA", "theta"),
        ("autoarima", "auto_arima"),
    ],
)
def test_a_typo_is_told_its_name(name: str, near: str) -> None:
    """Letters more, less, other or exchanged, and capitals."""
    assert did_you_mean(name, MODELS) == f" (did you mean '{near}'?)"


@pytest.mark.parametrize("name", ["", "xgboost", "linear", "42"])
def test_nothing_is_said_of_a_name_that_is_close_to_none(name: str) -> None:
    """A guess would be worse."""
    assert did_you_mean(name, MODELS) == ""


def test_the_answer_does_not_depend_on_the_order() -> None:
    """Of two that are equally close, always the same one."""
    assert did_you_mean("stor", ["store", "storm"]) == did_you_mean("stor", {"storm": 1, "store": 2})
