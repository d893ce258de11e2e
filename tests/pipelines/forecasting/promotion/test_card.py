"""The card of a run: whole sentences and whole tables, whatever the names and however little is known."""

from typing import Any

import pandas as pd
import pytest

from pipelines.forecasting.promotion.card import card
from pipelines.forecasting.records import ForecastRun

COLUMNS = ["unique_id", "model", "metric", "value", "runner_up", "skill_vs_seasonal_naive"]


def info(**summary: Any) -> ForecastRun:
    known = {"n_series": 1200, "champion": 0.81234, "baseline": 1.0, "skill": 0.18766, "coverage": {"80": 0.79}}
    known |= {"windows": 2, "cutoffs": ["2024-01-01 00:00", "2024-01-29 00:00"], "notes": []}
    values = {
        "units": "fraction",
        "status": "running",
        "run_id": "20240229T000000Z-01234567",
        "workspace": "mine",
        "config": {"title": "", "horizon": 28, "frequency": "D", "metric": "mase", "levels": [80]},
        "data": {"version": "20240228T000000Z-01234567"},
        "code_version": "0.1.0",
        "python": "3.11.7",
        "libraries": {"numpy": "2.2", "pandas": "2.3"},
        "stages": [{"name": "fit", "seconds": 1.25, "peak_mb": 2048.0}],
        "summary": {**known, **summary},
    }
    return ForecastRun.model_validate(values)


def champions(*rows: tuple[object, ...]) -> pd.DataFrame:
    return pd.DataFrame(rows or [("a", "theta", "mase", 0.8, "naive", 0.2)], columns=COLUMNS)


CALIBRATION = pd.DataFrame(
    [
        (80, "all", "all", 2400, 0.7904, 1.25),
        (80, "step", "1", 1200, 0.81, 1.0),
        (80, "step", "2", 1200, 0.7708, 1.5),
        (80, "demand_class", "smooth", 1800, 0.8, 1.0),
        (80, "store", "a|b", 600, 0.76, 2.0),
        (80, "store", "empty", 0, None, None),
    ],
    columns=["level", "by", "group", "n", "coverage", "msis"],
)
LEADERBOARD = pd.DataFrame({"model": ["theta", "naive"], "mase": [0.8, float("nan")], "smape": [0.1234, float("nan")]})


def test_a_card_tells_the_run() -> None:
    """Result, champions, leaderboard, and what it was made with."""
    text = card(info(), champions(), LEADERBOARD, CALIBRATION)
    for line in [
        "# Run 20240229T000000Z-01234567",
        "mine: 1,200 series, a horizon of 28 steps (D), data version 20240228T000000Z-01234567.",
        "- MASE of the champions: 0.8123 (seasonal naive: 1; skill 18.8 %).",
        "- Coverage of the 80 % intervals: 79.0 %.",
        "- theta: 1 series",
        "| 80 % | 2,400 | 79.0 % | 1.25 | 2: 77.1 % of 1,200 | store a\\|b: 76.0 % of 600 |",
        "| theta | 0.8 | 12.3 % |",
        "| naive | not known | not known |",
        "| a | theta | mase | 0.8 | 0.2 |",
        "- none",
        "Code 0.1.0, Python 3.11.7, numpy 2.2, pandas 2.3.",
        "- fit: 1.2 s, peak 2,048 MiB",
    ]:
        assert line in text.splitlines()


def test_an_error_that_is_a_share_is_told_in_percent() -> None:
    """The metric of the run, and of a series whose metric is another one."""
    told = info(champion=0.1234, baseline=0.5)
    told = told.model_copy(update={"settings": told.settings.model_copy(update={"metric": "wape"})})
    rows = champions(("a", "theta", "wape", 0.1234, "naive", 0.2), ("b", "theta", "mae", 3.5, "naive", 0.3))
    text = card(told, rows, LEADERBOARD, CALIBRATION)
    assert "- WAPE of the champions: 12.3 % (seasonal naive: 50.0 %; skill 18.8 %)." in text
    assert "| a | theta | wape | 12.3 % | 0.2 |" in text
    assert "| b | theta | mae | 3.5 | 0.3 |" in text


def test_what_is_not_known_is_said() -> None:
    """No nan, None or inf reaches the reader."""
    unmeasured = CALIBRATION.assign(n=0, coverage=float("nan"), msis=float("nan"))
    nothing = champions(("a", "seasonal_naive", "mase", None, None, None), ("b", "naive", "mase", pd.NA, pd.NA, pd.NA))
    text = card(info(champion=None, baseline=None, skill=None, coverage={"80": None}), nothing, LEADERBOARD, unmeasured)
    assert "- MASE of the champions: not known (seasonal naive: not known; skill not known)." in text
    assert "| a | seasonal_naive | mase | not known | not known |" in text
    assert "| 80 % | 0 | not known | not known | not known | not known |" in text
    assert not any(word in text for word in ("nan ", "None", "<NA>"))


@pytest.mark.parametrize("name", ["a|b", "a\\|b", "a\nb", "|", "a | b\r\n| c"])
def test_a_name_cannot_break_the_table(name: str) -> None:
    """Every row keeps its five cells: a bar is escaped, a line break becomes a space."""
    text = card(info(), champions((name, "theta", "mase", 0.8, None, 0.2)), LEADERBOARD, CALIBRATION)
    table = text.split("## Series that gain least")[1].split("##")[0].splitlines()
    rows = [line.replace("\\\\", "").replace("\\|", "") for line in table if line.startswith("|")]
    assert [row.count("|") for row in rows] == [6, 6, 6]


def test_the_weakest_series_come_first_and_are_ten() -> None:
    """Those whose champion gains least over the seasonal naive."""
    rows = champions(*[(f"s{i:02}", "theta", "mase", 1.0, None, i / 100) for i in reversed(range(30))])
    table = card(info(), rows, LEADERBOARD, CALIBRATION).split("## Series that gain least")[1]
    assert [line.split(" | ")[0] for line in table.splitlines() if line.startswith("| s")] == [
        f"| s{i:02}" for i in range(10)
    ]
