from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.core.progress import Silent
from pipelines.forecasting.evaluation import explain
from pipelines.forecasting.evaluation.fit import Fitted, predict
from pipelines.forecasting.evaluation.select import champions
from pipelines.forecasting.models import prophet
from pipelines.forecasting.panel import Panel
from tests.support.factories import panel

Array = npt.NDArray[np.float64]


def table(paths: dict[str, Any], column: str, start: str = "2024-01-01", end: str | None = None) -> pd.DataFrame:
    """`unique_id, ds` and a column of values a series; all begin at `start`, or end at `end`."""
    parts = []
    for name, values in paths.items():
        where = {"start": start} if end is None else {"end": end}
        ds = pd.date_range(**where, periods=len(values), freq="D")  # type: ignore[arg-type]
        parts.append(pd.DataFrame({"unique_id": name, "ds": ds, column: np.asarray(values, dtype=float)}))
    return pd.concat(parts, ignore_index=True)


def described(y: Any, y_hat: Any, seasons: Sequence[int] = (7,)) -> pd.DataFrame:
    """The components of one series, a column each, in the order of the steps."""
    history = table({"a": y}, "y", end="2024-06-30")
    found = explain.describe(history, table({"a": y_hat}, "y_hat", "2024-07-01"), seasons)
    return found.pivot(index="ds", columns="component", values="value")


def off(found: pd.DataFrame, forecasts: pd.DataFrame) -> float:
    """How far the components' sums are from the forecasts at worst, relative to the largest of either."""
    sums = found.groupby(["unique_id", "ds"])["value"].sum()
    y_hat = forecasts.set_index(["unique_id", "ds"])["y_hat"]
    assert len(sums) == len(y_hat)
    size = max(found["value"].abs().max(), y_hat.abs().max(), 1e-300)
    return float(((sums - y_hat).abs() / size).max())


values = st.floats(-1e12, 1e12, allow_nan=False, allow_infinity=False, allow_subnormal=False)
histories = st.lists(values | st.just(np.nan), min_size=1, max_size=60)
forecasts_of = st.lists(values, min_size=1, max_size=20)


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.tuples(histories, forecasts_of), min_size=1, max_size=4),
    st.lists(st.integers(1, 15), min_size=1, max_size=3),
)
def test_described_components_sum_to_the_forecast(
    series: list[tuple[list[float], list[float]]], seasons: list[int]
) -> None:
    """Whatever the histories, horizons and seasons, no step loses or gains anything, and nothing else is made up."""
    history = table({f"s{i}": y for i, (y, _) in enumerate(series)}, "y", end="2024-06-30")
    forecasts = table({f"s{i}": y_hat for i, (_, y_hat) in enumerate(series)}, "y_hat", "2024-07-01")
    found = explain.describe(history, forecasts, seasons)
    assert off(found, forecasts) < 1e-9
    assert np.isfinite(found["value"]).all()
    assert set(found["component"]) <= {"level", "trend", "rest", *(f"season {m}" for m in seasons if m > 1)}
    assert not found.duplicated(["unique_id", "ds", "component"]).any()


def test_a_constructed_series_comes_apart_as_it_was_put_together() -> None:
    """100 + 0.5 t + a weekly pattern: level, slope and season are found again, and next to nothing is left."""
    t = np.arange(98)
    week = np.array([-9.0, -5, 0, 2, 4, 6, 2])
    y = 100 + 0.5 * t + week[t % 7]
    found = described(y[:70], y[70:])
    assert np.allclose(found["season 7"], week[t[70:] % 7], atol=1e-6)
    assert np.allclose(found["level"], 100 + 0.5 * 66, atol=1e-6)  # the middle of the last week
    assert np.allclose(np.diff(found["trend"]), 0.5, atol=1e-6)
    assert "rest" not in found or found["rest"].abs().max() < 1e-6


def test_noise_hides_the_parts_only_a_little() -> None:
    """With noise of 1, level and season are found within about it, the slope within a tenth of the true one."""
    rng = np.random.default_rng(3)
    t = np.arange(300)
    week = 10 * np.sin(2 * np.pi * np.arange(7) / 7)
    clean = 200 + 0.8 * t + week[t % 7]
    found = described(clean[:260] + rng.normal(0, 1, 260), clean[260:])
    assert np.allclose(found["season 7"], week[t[260:] % 7], atol=1.5)
    assert np.allclose(found["level"], 200 + 0.8 * 256, atol=1.5)
    assert np.diff(found["trend"]).mean() == pytest.approx(0.8, rel=0.1)
    assert found["rest"].abs().mean() < 1


def test_two_seasons_are_told_apart() -> None:
    """A day of 6 steps within a week of 42: the short one is found whole, the long one without it."""
    t = np.arange(42 * 9)
    day, week = np.array([-3.0, -1, 0, 0, 1, 3]), np.repeat([-4.0, -2, 0, 1, 2, 2, 1], 6)
    y = 50 + day[t % 6] + week[t % 42]
    found = described(y[: 42 * 8], y[42 * 8 :], (6, 42))
    assert np.allclose(found["season 6"], np.tile(day, 7), atol=1e-9)
    assert np.allclose(found["season 42"], week, atol=1e-9)
    assert np.allclose(found["level"], 50)


def test_a_flat_forecast_of_a_seasonal_series_has_no_season() -> None:
    """A season that the forecast does not follow is not invented only to be taken back as rest."""
    y = 20 + 5 * np.sin(2 * np.pi * np.arange(70) / 7)
    found = described(y, np.full(14, 25.0))
    assert list(found.columns) == ["level", "trend"]
    assert np.allclose(found["trend"], 5)


def test_a_small_season_beside_a_large_one_is_judged_by_itself() -> None:
    """A forecast that follows the day but not the week has the day, be the week ever so large, and nothing of the week."""
    t = np.arange(42 * 9)
    day, week = np.array([-0.3, -0.1, 0, 0, 0.1, 0.3]), np.repeat([-40.0, 20, -10, 30, 10, -20, 10], 6)
    y = 500 + day[t % 6] + week[t % 42]
    found = described(y[: 42 * 8], 500 + day[t[42 * 8 :] % 6], (6, 42))
    assert np.allclose(found["season 6"], np.tile(day, 7), atol=1e-6)
    assert "season 42" not in found or found["season 42"].abs().max() < 1e-6


def test_a_season_that_looks_like_a_line_is_still_a_season() -> None:
    """A week that only rises is, over one week ahead, next to a straight line: the forecast is taken to follow it."""
    rng = np.random.default_rng(2)
    week = np.array([-6.0, -4, -2, 0, 2, 4, 6]) + rng.normal(0, 0.1, 7)
    y = 50 + week[np.arange(70) % 7]
    found = described(y, 50 + np.arange(-6.0, 7, 2))
    assert np.allclose(found["season 7"], week - week.mean())
    assert found["trend"].abs().max() < 0.5


@pytest.mark.parametrize("n", [0, 1, 5, 13])
def test_a_season_longer_than_half_the_history_is_left_alone(n: int) -> None:
    """Held less than twice, a season of 7 is no component; the known values still give a level, or none 0."""
    found = described(np.arange(n) + 10.0, [30.0, 31, 29])
    assert "season 7" not in found
    level = (np.arange(n) + 10.0)[-7:].mean() if n else 0.0
    assert found["level"].iloc[0] == pytest.approx(level) if n else found["trend"].iloc[0] == pytest.approx(30.5)


def test_one_observation_and_one_step_are_enough() -> None:
    """From 4 to 6: the level is 4, and the trend, a line through one point, the other 2."""
    assert described([4.0], [6.0]).iloc[0].to_dict() == {"level": 4.0, "trend": 2.0}


def test_a_constant_is_nothing_but_level() -> None:
    """Components that are 0 throughout are left out, and a forecast of zeros keeps its level."""
    assert described(np.full(40, 5.0), np.full(9, 5.0)).iloc[0].to_dict() == {"level": 5.0}
    assert described(np.zeros(40), np.zeros(9)).iloc[0].to_dict() == {"level": 0.0}


def test_without_a_season_there_is_none() -> None:
    """A season length of 1, or none at all, leaves level, trend and rest; the level is the last value."""
    for seasons in [(1,), ()]:
        found = described([1.0, 2, 3, 4], [5.0, 6, 8], seasons)
        assert list(found.columns) == ["level", "rest", "trend"]
        assert (found["level"] == 4).all()


def test_missing_values_are_passed_over() -> None:
    """A tenth missing and the last week not there yet: the season is found from what is known."""
    t = np.arange(84)
    week = np.array([-6.0, -3, 0, 1, 2, 4, 2])
    y = 50 + week[t % 7]
    holes = np.where((t % 10 == 3) | (t >= 70) & (t < 77), np.nan, y)[:77]
    found = described(holes, y[77:])
    assert np.allclose(found["season 7"], week, atol=0.5)
    assert np.allclose(found["level"], 50, atol=0.5)


def test_a_late_series_has_the_level_from_before_the_gap() -> None:
    """40 missing steps at the end do not make the level 0, season or not."""
    late = np.r_[np.full(30, 12.0), np.full(40, np.nan)]
    for seasons in [(7,), (1,)]:
        assert (described(late, [12.0, 12], seasons)["level"] == 12).all()


def test_a_series_without_a_single_value_has_no_level() -> None:
    """Nothing is known of where it stood, so all of its forecast is a line or rest."""
    found = described([np.nan] * 20, [3.0, 4, 5])
    assert list(found.columns) == ["trend"]


@pytest.mark.parametrize("size", [1e-300, 1e-9, 1e150, 1e300])
def test_the_size_of_the_values_does_not_matter(size: float) -> None:
    """The parts of a huge or tiny series are those of the same series in another unit."""
    y = (20 + 0.3 * np.arange(84) + np.tile([-2.0, 1, 1, 3, -1, -1, -1], 12)) / 100
    found, unit = described(size * y[:70], size * y[70:]), described(y[:70], y[70:])
    assert np.allclose(found["season 7"] / size, unit["season 7"])
    assert np.allclose(found["level"] / size, unit["level"])


def test_the_neighbours_of_a_series_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Histories of any length side by side, in one chunk or in many, in any order of rows: each series has its parts."""
    rng = np.random.default_rng(0)
    histories = {f"s{i}": rng.normal(20, 5, n) for i, n in enumerate([1, 90, 14, 33, 7, 60, 20])}
    paths = {name: rng.normal(20, 5, 1 + i) for i, name in enumerate(histories)}
    history, forecasts = table(histories, "y", end="2024-06-30"), table(paths, "y_hat", "2024-07-01")
    together = explain.describe(history, forecasts.sample(frac=1, random_state=1), (7, 14))
    alone = [
        explain.describe(history, forecasts[forecasts["unique_id"] == name], (7, 14)).assign(at=name) for name in paths
    ]
    monkeypatch.setattr(explain, "_CHUNK", 2)
    for other in (pd.concat(alone).drop(columns="at"), explain.describe(history, forecasts, (7, 14))):
        pd.testing.assert_frame_equal(together, other.reset_index(drop=True), rtol=1e-9)


def test_no_forecasts_have_no_components() -> None:
    """Empty in, empty out, with the columns in place."""
    forecasts = table({"a": [1.0]}, "y_hat").head(0)
    found = explain.components(forecasts, listened().exact, weights({}), table({"a": [1.0]}, "y"), (7,))
    assert list(found.table.columns) == ["unique_id", "ds", "component", "value"]
    assert found.as_json() == {"methods": {"exact": 0, "descriptive": 0}, "exact": []}


def weights(of: dict[str, dict[str, float]]) -> pd.DataFrame:
    rows = [(name, member, weight) for name, members in of.items() for member, weight in members.items()]
    return pd.DataFrame(rows, columns=["unique_id", "member", "weight"])


def told(member: str, name: str, **parts: list[float]) -> pd.DataFrame:
    """What a member says of the steps from 1 July on."""
    ds = pd.date_range("2024-07-01", periods=len(next(iter(parts.values()))))
    tables = [pd.DataFrame({"unique_id": name, "ds": ds, "component": p, "value": v}) for p, v in parts.items()]
    return pd.concat(tables).assign(member=member)


def listened(past: Panel | None = None, fitted: Sequence[Fitted] = (), h: int = 3) -> explain.Listener:
    past = past or panel()
    listener = explain.Listener(past, h, past.ids)
    assert list(listener.listen(fitted)) == list(fitted)
    return listener


HISTORY = table({"a": np.arange(30.0), "b": np.arange(30.0)}, "y", end="2024-06-30")


def test_an_ensemble_of_explaining_members_is_their_weighted_sum() -> None:
    """Each component is weighted; a component that one member lacks counts as 0 there."""
    exact = pd.concat([told("x", "a", level=[10, 10], price=[2, 4]), told("y", "a", level=[20, 20], trend=[1, 2])])
    forecasts = table({"a": [17.25, 18.5]}, "y_hat", "2024-07-01")
    found = explain.components(forecasts, exact, weights({"a": {"x": 0.25, "y": 0.75}}), HISTORY, (7,))
    wide = found.table.pivot(index="ds", columns="component", values="value")
    assert wide["level"].tolist() == [17.5, 17.5]
    assert wide["trend"].tolist() == [0.75, 1.5]
    assert wide["price"].tolist() == [0.5, 1.0]
    assert wide["rest"].tolist() == [-1.5, -1.5]
    assert found.table["component"].tolist()[:4] == ["level", "trend", "price", "rest"]
    assert found.methods.to_dict("records") == [{"unique_id": "a", "method": "exact"}]


def test_what_happens_after_the_models_is_rest() -> None:
    """A forecast of −5 that was stopped at zero is still explained exactly: the stop is the rest of 5."""
    exact = told("x", "a", level=[3.0, 3.0], trend=[-8.0, -1.0])
    found = explain.components(
        table({"a": [0.0, 2.0]}, "y_hat", "2024-07-01"), exact, weights({"a": {"x": 1}}), HISTORY, (7,)
    )
    assert found.table.loc[found.table["component"] == "rest", "value"].tolist() == [5.0, 0.0]


@pytest.mark.parametrize(
    ("exact", "of"),
    [
        (told("x", "a", level=[10, 10]), {"x": 0.5, "y": 0.5}),  # y says nothing
        (told("x", "a", level=[10]), {"x": 1.0}),  # the second step is missing
        (told("x", "b", level=[10, 10]), {"x": 1.0}),  # of another series
        (told("x", "a", level=[10, 10]), {}),  # nobody knows who made the forecast
    ],
)
def test_a_series_that_is_not_explained_whole_is_described(exact: pd.DataFrame, of: dict[str, float]) -> None:
    """One member or one step that says nothing, and the whole series is described; the sum holds all the same."""
    forecasts = table({"a": [10.0, 10]}, "y_hat", "2024-07-01")
    found = explain.components(forecasts, exact, weights({"a": of}), HISTORY, (7,))
    assert found.methods["method"].tolist() == ["descriptive"]
    assert off(found.table, forecasts) < 1e-12


def test_a_member_without_weight_is_not_asked() -> None:
    """With weight 0 its silence does not make the series descriptive."""
    forecasts = table({"a": [10.0, 10]}, "y_hat", "2024-07-01")
    given_weights = weights({"a": {"x": 1.0, "y": 0.0}})
    found = explain.components(forecasts, told("x", "a", level=[10, 10]), given_weights, HISTORY, (7,))
    assert found.methods["method"].tolist() == ["exact"]
    assert explain.exact_series(given_weights, {"x"}) == ["a"]


def test_exact_and_described_series_stand_side_by_side() -> None:
    """Both methods in one table, sorted by series and step; the counts and names say which is which."""
    forecasts = table({"a": [10.0, 12], "b": [30.0, 31]}, "y_hat", "2024-07-01")
    of = weights({"a": {"x": 1.0}, "b": {"y": 1.0}})
    found = explain.components(forecasts, told("y", "b", level=[30, 30], trend=[0, 1]), of, HISTORY, (7,))
    assert found.table.set_index(["unique_id", "ds"]).index.is_monotonic_increasing
    assert found.as_json() == {"methods": {"exact": 1, "descriptive": 1}, "exact": ["b"]}
    assert off(found.table, forecasts) < 1e-12


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(values, values, values, st.floats(0, 1)), min_size=1, max_size=9), st.booleans())
def test_exact_components_sum_to_the_published_forecast(
    steps: list[tuple[float, float, float, float]], stopped: bool
) -> None:
    """Two members, any values and weights, stopped at zero or not: the components sum to what was published."""
    level, trend, other, share = (np.array(column) for column in zip(*steps, strict=True))
    weight = float(share[0])
    exact = pd.concat([told("x", "a", level=list(level), trend=list(trend)), told("y", "a", price=list(other))])
    path = weight * (level + trend) + (1 - weight) * other
    forecasts = table({"a": np.maximum(path, 0) if stopped else path}, "y_hat", "2024-07-01")
    given_weights = weights({"a": {"x": weight, "y": 1 - weight}})
    found = explain.components(forecasts, exact, given_weights, HISTORY, (7,))
    assert off(found.table, forecasts) < 1e-9
    assert set(found.table["component"]) <= {"level", "trend", "price", "rest"}


def test_prophet_explains_itself_exactly() -> None:
    """Trend, week and each covariate by its name sum to its forecast, with price and event as they truly work."""
    past = panel(future=("price", "event"), ahead=9)
    model = prophet.build().fit(past)
    fitted = [Fitted("prophet", tuple(past.ids), model)]
    listener = explain.Listener(past, 9, past.ids)
    forecasts = predict(listener.listen(fitted), past, 9, 1, Silent())
    of = weights({name: {"prophet": 1.0} for name in past.ids})
    found = explain.components(forecasts, listener.exact, of, past.history, past.season_lengths)
    assert off(found.table, forecasts) < 1e-12
    assert found.as_json()["methods"] == {"exact": 3, "descriptive": 0}
    assert set(found.table["component"]) == {"level", "trend", "season 7", "price", "event"}
    assert past.known is not None
    parts = found.table.merge(past.known, on=["unique_id", "ds"])
    fair = parts[parts["component"] == "event"].groupby(parts["event"].notna())["value"].mean()
    assert fair[True] - fair.get(False, 0.0) == pytest.approx(5, abs=0.5)


def test_a_multiplicative_prophet_is_described() -> None:
    """Its parts are factors, so it says nothing and is decomposed from outside; the sum holds."""
    past = panel(ids=("a",))
    model = prophet.build(seasonality_mode="multiplicative").fit(past)
    listener = explain.Listener(past, 9, past.ids)
    forecasts = predict(listener.listen([Fitted("prophet", ("a",), model)]), past, 9, 1, Silent())
    found = explain.components(forecasts, listener.exact, weights({"a": {"prophet": 1}}), past.history, (7,))
    assert found.as_json()["methods"] == {"exact": 0, "descriptive": 1}
    assert off(found.table, forecasts) < 1e-12


def test_prophet_explains_what_it_could_not_fit_as_its_last_value() -> None:
    """A series too short for Prophet is level and nothing else."""
    past = panel(n=3, ids=("a",))
    found = prophet.build().fit(past).explain(past, 2)  # type: ignore[attr-defined]
    assert found["component"].tolist() == ["level", "level"]
    assert (found["value"] == past.history["y"].iloc[-1]).all()


def test_the_listener_asks_only_for_the_series_it_was_told() -> None:
    """A model of three series is asked about one, one that cannot explain itself not at all."""
    past = panel()
    listener = explain.Listener(past, 3, ["b"])
    silent = Fitted("mute", ("c",), object())  # type: ignore[arg-type]
    list(listener.listen([Fitted("prophet", tuple(past.ids), prophet.build().fit(past)), silent]))
    assert listener.exact["unique_id"].unique().tolist() == ["b"]
    assert listener.exact["member"].unique().tolist() == ["prophet"]


def metrics_of(rows: dict[tuple[str, str, str], list[float]]) -> pd.DataFrame:
    """`unique_id, cutoff, model, metric, value` from lists of a value a window."""
    cutoffs = pd.date_range("2024-01-01", periods=5)
    flat = [(n, cutoffs[i], m, metric, v) for (n, m, metric), found in rows.items() for i, v in enumerate(found)]
    return pd.DataFrame(flat, columns=["unique_id", "cutoff", "model", "metric", "value"])


def test_the_choice_has_its_facts() -> None:
    """Champion, runner-up and baseline with their means over the windows that the baseline has, and the skill."""
    metrics = metrics_of(
        {
            ("a", "seasonal_naive", "mase"): [2.0, 2.0, np.nan],
            ("a", "x", "mase"): [0.5, 1.5, 9.0],
            ("a", "y", "mase"): [1.0, 2.0, 9.0],
            ("b", "seasonal_naive", "mae"): [4.0],
            ("b", "x", "mae"): [1.0],
        }
    )
    found = explain.choice(champions(metrics, "mase", ["x", "y"], ids=["c"]), metrics)
    assert list(found.columns) == [
        "unique_id",
        "model",
        "metric",
        "windows",
        "value",
        "runner_up",
        "runner_up_value",
        "baseline_value",
        "skill_vs_seasonal_naive",
    ]
    assert found.iloc[0].tolist() == ["a", "x", "mase", 2, 1.0, "y", 1.5, 2.0, 0.5]
    assert found.iloc[1].tolist() == ["b", "x", "mae", 1, 1.0, "seasonal_naive", 4.0, 4.0, 0.75]
    assert found.iloc[2][["unique_id", "model", "windows"]].tolist() == ["c", "seasonal_naive", 0]
    assert found.iloc[2][["value", "runner_up", "runner_up_value", "baseline_value"]].isna().all()


def test_explaining_changes_nothing_it_was_given() -> None:
    """Tables go in and come out as they were."""
    past = replace(panel(), future=())
    forecasts = past.grid(5).assign(y_hat=1.0)
    history, copy = past.history.copy(), forecasts.copy()
    explain.components(forecasts, listened().exact, weights({}), past.history, (7,))
    pd.testing.assert_frame_equal(past.history, history)
    pd.testing.assert_frame_equal(forecasts, copy)
