"""The choice that luck does not make."""

import numpy as np
import pandas as pd

from pipelines.forecasting.evaluation import select


def metrics(values: dict[str, np.ndarray]) -> pd.DataFrame:
    """`values`: model to an array of series × folds."""
    rows = [
        (f"s{series:03d}", pd.Timestamp("2024-01-01") + pd.Timedelta(days=fold), model, "mase", value)
        for model, table in values.items()
        for series, folds in enumerate(table)
        for fold, value in enumerate(folds)
    ]
    return pd.DataFrame(rows, columns=["unique_id", "cutoff", "model", "metric", "value"])


def chosen(values: dict[str, np.ndarray], prior: str = "sound") -> pd.DataFrame:
    return select.robust(metrics(values), "mase", list(values), prior, baseline="sound")


def lognormal(rng: np.random.Generator, centre: float, size: tuple[int, int], spread: float = 0.5) -> np.ndarray:
    return np.asarray(np.exp(rng.normal(np.log(centre), spread, size)))


def test_luck_in_few_windows_leaves_the_prior_in_place() -> None:
    """Models that are alike but for noise: the smallest mean would choose the others for most series."""
    rng = np.random.default_rng(7)
    values = {name: lognormal(rng, 1.0, (200, 3)) for name in ("sound", "wild", "other", "third")}
    naive = select.champions(metrics(values), "mase", list(values), "sound")
    assert (naive["model"] != "sound").mean() > 0.6
    assert (chosen(values)["model"] == "sound").mean() > 0.9


def test_a_difference_that_every_window_shows_is_seen() -> None:
    """Half of the series are much better off with the other model, in each of their windows."""
    rng = np.random.default_rng(8)
    sound, other = lognormal(rng, 1.0, (100, 4), 0.1), lognormal(rng, 1.0, (100, 4), 0.1)
    other[:50] *= 0.4
    other[50:] *= 2.5
    found = chosen({"sound": sound, "other": other})
    assert found["model"].tolist() == ["other"] * 50 + ["sound"] * 50
    assert (found["runner_up"] == np.where(found["model"] == "other", "sound", "other")).all()


def test_a_model_that_is_better_throughout_replaces_the_prior_with_one_window_too() -> None:
    """Nothing is known of the noise of a series, but all of them say the same."""
    rng = np.random.default_rng(9)
    found = chosen({"sound": lognormal(rng, 1.0, (50, 1)), "other": lognormal(rng, 0.3, (50, 1))})
    assert (found["model"] == "other").all()


def test_a_series_that_cannot_be_judged_keeps_the_prior() -> None:
    """Its errors have no scale, or it has no window at all; the value is null."""
    values = {"sound": np.array([[1.0, 1.0], [np.nan, np.nan]]), "other": np.array([[0.2, 0.2], [np.nan, np.nan]])}
    found = select.robust(metrics(values), "mase", ["sound", "other"], "sound", "sound", ids=["new"])
    assert found.set_index("unique_id")["model"].to_dict()["new"] == "sound"
    assert found.set_index("unique_id")["model"].to_dict()["s001"] == "sound"
    assert found.set_index("unique_id")["value"].isna().to_dict() == {"new": True, "s000": False, "s001": True}


def test_value_and_skill_are_those_of_the_model_that_was_chosen() -> None:
    """As measured, not as shrunk."""
    found = chosen({"sound": np.full((3, 2), 2.0), "other": np.full((3, 2), 0.5)})
    assert found["value"].tolist() == [0.5] * 3
    assert found["skill_vs_seasonal_naive"].tolist() == [0.75] * 3


def test_errors_of_zero_are_no_obstacle() -> None:
    """A constant series is forecast without error by everybody."""
    found = chosen({"sound": np.array([[0.0, 0.0], [1.0, 1.0]]), "other": np.array([[0.0, 0.0], [1.0, 1.0]])})
    assert found["model"].tolist() == ["sound", "sound"]
