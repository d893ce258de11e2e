"""What is unusual for a panel and for a series, and what only looks as if it were."""

import numpy as np
import pytest

from pipelines.forecasting.read.attention import Array, Finding, findings, outlying

N = 40


def judged(blocks: int = 13, **given: Array) -> dict[str, Finding]:
    """The findings of a panel in which nothing is unusual but for what is given."""
    random = np.random.default_rng(7)
    quiet = 0.02 * random.standard_normal(N)
    factors = {
        "on_year": quiet, "on_period": np.full(N, np.nan), "since_previous": quiet, "error": 1 + quiet, **given
    }  # fmt: skip
    past = [100 + random.standard_normal(N) for _ in range(blocks)]
    skill, behind = given.get("skill", np.full(N, 0.3)), given.get("behind", np.zeros(N))
    return findings(factors, skill, given.get("past", past), behind)  # type: ignore[arg-type]


def flagged(found: dict[str, Finding]) -> set[tuple[str, int]]:
    return {(kind, int(row)) for kind, one in found.items() for row in np.flatnonzero(one.flagged)}


def moved(row: int, to: float) -> Array:
    values = 0.02 * np.random.default_rng(7).standard_normal(N)
    values[row] = to
    return values


def test_a_quiet_panel_needs_nobody() -> None:
    """The largest of ordinary values is no reason, however high its percentile."""
    assert flagged(judged()) == set()


@pytest.mark.parametrize("kind", ["on_year", "since_previous"])
def test_a_change_beyond_what_is_usual_is_a_reason(kind: str) -> None:
    """In one series of a panel that stays as it was."""
    assert flagged(judged(**{kind: moved(3, -0.6)})) == {(kind, 3)}


def test_a_change_that_all_series_have_is_none() -> None:
    """A holiday lifts the whole panel; that is told by the total."""
    assert flagged(judged(on_year=0.5 + moved(3, 0.02))) == set()


def test_a_change_that_a_series_often_has_is_none() -> None:
    """A series that doubles and halves all the time may do so again."""
    swinging = [np.full(N, 100.0 + place % 3) for place in range(13)]
    for place, block in enumerate(swinging):
        block[3] = 100.0 if place % 2 else 200.0
    found = judged(on_year=moved(3, 0.6), past=swinging)  # type: ignore[arg-type]
    assert flagged(found) == set()


def test_a_small_change_is_none_however_quiet_the_others_are() -> None:
    """A panel of constants makes every movement rare, not important."""
    change = np.zeros(N)
    change[3] = 0.1
    assert flagged(judged(on_year=change)) == set()


def test_an_error_far_above_the_panels_is_a_reason() -> None:
    """At least half as large again as the typical one."""
    assert flagged(judged(error=1 + moved(5, 1.2))) == {("error", 5)}
    assert flagged(judged(error=1 + moved(5, 0.3))) == set()


def test_an_error_above_the_baselines_and_missing_values_are_reasons() -> None:
    """Each by itself."""
    skill, behind = np.full(N, 0.3), np.zeros(N)
    skill[1], behind[2] = -0.2, 9.0
    assert flagged(judged(skill=skill, behind=behind)) == {("worse_than_baseline", 1), ("stale", 2)}


def test_one_series_is_compared_with_its_own_past() -> None:
    """There is no panel; without a past either, nothing can be called unusual."""
    nothing, change = np.full(1, np.nan), np.array([0.9])
    factors = {"on_year": change, "on_period": nothing, "since_previous": nothing, "error": np.ones(1)}
    past = [np.array([100.0 + place % 3]) for place in range(9)]
    assert flagged(findings(factors, np.zeros(1), past, np.zeros(1))) == {("on_year", 0)}
    assert flagged(findings(factors, np.zeros(1), past[:3], np.zeros(1))) == set()
    assert flagged(findings(factors, np.zeros(1), [], np.zeros(1))) == set()


def test_what_is_not_known_is_not_unusual() -> None:
    """Nor does it count among the values that say what is."""
    values = np.array([np.nan, *np.linspace(0, 1, 10), 50.0])
    assert np.flatnonzero(outlying(values) == 1).tolist() == [11]
    assert np.isnan(outlying(values)[0])
    assert np.isnan(outlying(values[:6])).all()
