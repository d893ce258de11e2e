from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.forecasting.evaluation import bridge, explain
from pipelines.forecasting.evaluation.bridge import Previous, replay
from pipelines.forecasting.panel import Panel
from tests.support.factories import panel

PARTS = ["new actuals", "covariates", "refit", "model"]


def path(of: dict[str, list[float]], start: str = "2024-07-01") -> pd.DataFrame:
    parts = [
        pd.DataFrame({"unique_id": name, "ds": pd.date_range(start, periods=len(found)), "y_hat": found})
        for name, found in of.items()
    ]
    return pd.concat(parts, ignore_index=True)


def parts_of(table: pd.DataFrame, name: str = "a") -> dict[str, float]:
    """The mean of each part over the steps of a series."""
    rows = table[table["unique_id"] == name]
    return {str(part): float(value) for part, value in rows.groupby("part", sort=False)["value"].mean().items()}


values = st.floats(-1e12, 1e12, allow_nan=False)
EMPTY = path({"a": [1.0]}).head(0)


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.tuples(*[values] * 5), min_size=1, max_size=10),
    st.tuples(*[st.booleans()] * 3),
)
def test_the_parts_sum_to_the_change(steps: list[tuple[float, ...]], known: tuple[bool, ...]) -> None:
    """Whatever the five paths are, and whichever of those between are missing: exactly four parts, and their sum."""
    before, *between, now = (path({"a": list(column)}) for column in zip(*steps, strict=True))
    table = explain.bridge(before, *[p if k else EMPTY for p, k in zip(between, known, strict=True)], now)
    assert table["part"].tolist() == PARTS * len(steps)
    size = np.abs(np.array(steps)).max() or 1.0
    sums = table.groupby("ds")["value"].sum().to_numpy()
    assert np.allclose((now["y_hat"] - before["y_hat"]) / size, sums / size, rtol=0, atol=1e-9)


def test_each_path_gives_its_part() -> None:
    """10, then 13, 12, 16 and 17: +3, −1, +4 and +1."""
    paths = [path({"a": [float(value)]}) for value in (10, 13, 12, 16, 17)]
    assert parts_of(explain.bridge(*paths)) == dict(zip(PARTS, [3, -1, 4, 1], strict=True))


def test_a_missing_path_leaves_its_share_to_the_next() -> None:
    """Without the refitted path the refit is 0, and the model's part holds both."""
    before, actuals, covariates, now = (path({"a": [float(value)]}) for value in (10, 13, 12, 17))
    table = explain.bridge(before, actuals, covariates, EMPTY, now)
    assert parts_of(table) == dict(zip(PARTS, [3, -1, 0, 5], strict=True))


def test_only_the_dates_of_both_are_compared() -> None:
    """Four steps a week apart by two have two dates in common; a series that came or went has none."""
    before, now = path({"a": [1.0, 2, 3, 4], "gone": [1.0]}), path({"a": [5.0, 5, 5, 5], "new": [1.0]}, "2024-07-03")
    table = explain.bridge(before, now, now, now, now)
    assert sorted(table["ds"].unique()) == sorted(pd.to_datetime(["2024-07-03", "2024-07-04"]).to_numpy())
    assert set(table["unique_id"]) == {"a"}
    assert table.loc[table["part"] == "new actuals", "value"].tolist() == [2.0, 1.0]


H = 5


class Run:
    """A run whose forecast is the last value plus twice the price, plus what a fit gives; it counts its calls."""

    def __init__(self, fit: float) -> None:
        self.fit = fit
        self.asked: list[list[str]] = []

    def __call__(self, given_panel: Panel, h: int) -> pd.DataFrame:
        self.asked.append(given_panel.ids)
        rows = given_panel.grid(h).merge(given_panel.known, on=["unique_id", "ds"], how="left")
        last = given_panel.history.groupby("unique_id")["y"].last()
        return rows[["unique_id", "ds"]].assign(y_hat=rows["unique_id"].map(last) + 2 * rows["price"] + self.fit)


def never(given_panel: Panel, h: int) -> pd.DataFrame:
    raise AssertionError("nothing needs to be forecast again")


def weights(**members: str) -> pd.DataFrame:
    return pd.DataFrame({"unique_id": list(members), "member": list(members.values()), "weight": 1.0})


def story(fit: float = 0.0, **changed: Any) -> tuple[Previous, Panel, Run]:
    """Two steps ago series a and b were forecast from 10, with a price of 1 that is 4 for series b today."""
    newest = panel(ids=("a", "b"), future=("price",), ahead=H)
    newest = replace(newest, history=newest.history.assign(y=12.0), known=newest.grid(H).assign(price=1.0))
    assert newest.known is not None
    known = newest.known.copy()
    newest = replace(newest, known=known.assign(price=known["price"].where(known["unique_id"] == "a", 4.0)))
    old, again = Run(0.0), Run(fit)
    ds = pd.date_range(newest.history["ds"].max() - pd.Timedelta(days=1), periods=H)
    before = pd.DataFrame({"unique_id": np.repeat(["a", "b"], H), "ds": [*ds, *ds], "y_hat": 12.0})
    given_story = {"known": known, "predict": old, "refit": again, "cheap": {"x"}, **changed}
    return Previous(before, weights(a="x", b="x"), newest, **given_story), newest, old


def test_the_same_run_differs_by_actuals_and_covariates_alone() -> None:
    """From 10 to 12 are the actuals, a price from 1 to 4 counts 6; only the series with another price is asked again."""
    previous, newest, old = story()
    now = Run(0.0)(newest, H)
    found = replay(previous, now, previous.weights, same_run=True)
    assert parts_of(found.table, "a") == dict(zip(PARTS, [2, 0, 0, 0], strict=True))
    assert parts_of(found.table, "b") == dict(zip(PARTS, [2, 6, 0, 0], strict=True))
    assert found.notes == ()
    assert old.asked == [["b"]]
    assert found.table["ds"].nunique() == H - 2


def test_the_same_run_without_covariates_forecasts_nothing_again() -> None:
    """All of the change is new actuals, at no cost."""
    previous, newest, _ = story(predict=never, refit=never)
    previous = replace(previous, panel=replace(newest, future=(), known=None))
    found = replay(previous, Run(3.0)(newest, H), previous.weights, same_run=True)
    assert parts_of(found.table, "a") == dict(zip(PARTS, [5, 0, 0, 0], strict=True))


def test_a_new_run_with_the_same_members_is_a_refit() -> None:
    """Its further change counts as refit, without a fit for the story, even if the weights moved."""
    previous, newest, old = story(refit=never)
    moved = previous.weights.assign(weight=0.9)
    found = replay(previous, Run(1.5)(newest, H), moved, same_run=False)
    assert parts_of(found.table, "b") == dict(zip(PARTS, [2, 6, 1.5, 0], strict=True))
    assert old.asked == [["a", "b"], ["b"]]


def test_a_changed_model_is_split_from_its_refit_where_that_is_cheap() -> None:
    """The old model refitted gives +0.5, the new one 3 in all: 2.5 are the model's; the other series is a refit."""
    previous, newest, _ = story(fit=0.5)
    found = replay(previous, Run(3.0)(newest, H), weights(a="y", b="x"), same_run=False)
    assert parts_of(found.table, "a") == dict(zip(PARTS, [2, 0, 0.5, 2.5], strict=True))
    assert parts_of(found.table, "b") == dict(zip(PARTS, [2, 6, 3, 0], strict=True))
    assert found.notes == ()


@pytest.mark.parametrize("dear", [{"cheap": set()}, {"cheap": {"x"}}])
def test_a_dear_refit_counts_as_model_and_says_so(dear: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """A model over the whole panel, or too many models: not fitted for the story, but noted."""
    monkeypatch.setattr(bridge, "_REFITS", 1 if not dear["cheap"] else 0)
    previous, newest, _ = story(refit=never, **dear)
    found = replay(previous, Run(3.0)(newest, H), weights(a="y", b="x"), same_run=False)
    assert parts_of(found.table, "a") == dict(zip(PARTS, [2, 0, 0, 3], strict=True))
    assert found.notes == ("1 series changed their model; what a refit of the old one does counts as model.",)


def test_other_settings_of_a_model_are_another_model() -> None:
    """The same name with other parameters is refitted with the old ones, like any other change."""
    previous, newest, _ = story(fit=0.5, altered={"x"})
    found = replay(previous, Run(3.0)(newest, H), previous.weights, same_run=False)
    assert parts_of(found.table, "a") == dict(zip(PARTS, [2, 0, 0.5, 2.5], strict=True))


def test_a_series_that_the_previous_run_had_no_model_for_changed_its_model() -> None:
    """The baseline stood in for it: all of its change is the model's."""
    previous, newest, _ = story()
    previous = replace(previous, weights=weights(b="x"))
    found = replay(previous, Run(1.0)(newest, H), weights(a="y", b="x"), same_run=False)
    assert parts_of(found.table, "a") == dict(zip(PARTS, [0, 0, 0, 3], strict=True))


def test_forgotten_covariates_count_as_actuals_and_say_so() -> None:
    """Without what was known then, the price's share cannot be told apart."""
    previous, newest, _ = story(known=None)
    found = replay(previous, Run(0.0)(newest, H), previous.weights, same_run=True)
    assert parts_of(found.table, "b") == dict(zip(PARTS, [8, 0, 0, 0], strict=True))
    assert "count" in found.notes[0]


def test_forecasts_without_a_common_date_have_no_bridge() -> None:
    """After a pause longer than the horizon there is nothing to compare, and nothing is forecast."""
    previous, newest, _ = story(predict=never, refit=never)
    late = Run(0.0)(newest, H)
    found = replay(previous, late.assign(ds=late["ds"] + pd.Timedelta(days=99)), previous.weights, same_run=False)
    assert found.table.empty
    assert list(found.table.columns) == ["unique_id", "ds", "part", "value"]


def test_only_covariates_within_the_common_dates_count() -> None:
    """A price that moves after the last common date is no reason to forecast again."""
    previous, newest, old = story()
    assert newest.known is not None
    step = newest.known.groupby("unique_id").cumcount()
    known = newest.known.assign(price=newest.known["price"].where(step < H - 2, 99.0))
    found = replay(replace(previous, known=known), Run(0.0)(newest, H), previous.weights, same_run=True)
    assert old.asked == []
    assert parts_of(found.table, "b")["covariates"] == 0


def test_what_was_known_then_replaces_what_is_known_now() -> None:
    """Where both have a step the old value stands, a missing one too; steps that only today has stay as they are."""
    newest = panel(ids=("a",), future=("price", "event"), ahead=3)
    assert newest.known is not None
    then = newest.known.head(2).assign(price=[7.0, 8.0], event=[None, "fair"])
    found = bridge.as_known(newest, then).known
    assert found is not None
    assert found["price"].tolist() == [7.0, 8.0, newest.known["price"].iloc[2]]
    assert found["event"].isna().tolist()[0]
    assert found["event"].iloc[1] == "fair"
    assert bridge.differing(newest, bridge.as_known(newest, then), 3) == ["a"]
    assert bridge.differing(newest, newest, 3) == []


def test_members_are_compared_as_sets() -> None:
    """Other members, or members with other settings, are a change; a member without weight is none."""
    before = pd.concat([weights(a="x", b="x", c="x"), weights(a="y").assign(weight=0.0)])
    assert bridge.other_members(before, weights(a="x", b="y", c="x")) == ["b"]
    assert bridge.other_members(before, weights(a="x", b="y", d="x"), {"x"}) == ["a", "b"]
