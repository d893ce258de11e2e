"""What the benchmarks reckon with: their error measures, the programs they measure, and their pages."""

import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from scripts.dev import benchmark
from scripts.dev.bench import (
    copilot,
    covariates,
    judge,
    m4,
    monitoring,
    page,
    process,
    proof,
    psi,
    replays,
    rivals,
    soak,
)
from scripts.dev.bench.wrmsse import LEVELS, wrmsse

STATIC = pd.DataFrame(
    {
        "unique_id": ["a", "b"],
        "item_id": ["i", "j"],
        "dept_id": ["d", "d"],
        "cat_id": ["c", "c"],
        "store_id": ["s", "s"],
        "state_id": ["x", "x"],
    }
)


def days(unique_id: str, first: int, **columns: list[float]) -> pd.DataFrame:
    n = len(next(iter(columns.values())))
    return pd.DataFrame({"unique_id": unique_id, "ds": pd.date_range(f"2024-01-0{first}", periods=n), **columns})


def test_wrmsse_by_hand() -> None:
    """Two items of one store: what is alike in both is on the levels of the sum, the rest on those of the items.

    a: 2 4 4 | sold 4 for 3 dollars = 12 on the last day; first sale on day 1: scale ((4−2)² + 0²) / 2 = 2
    b: 0 3 1 | sold 1 for 4 dollars = 4;                  first sale on day 2: scale (1−3)² / 1 = 4
    sum: 2 7 5                                             scale ((7−2)² + (5−7)²) / 2 = 14.5
    Errors: a: 6 − 4 = 2, b: 1 − 5 = −4, sum: −2. √(4/2) = 1.414, √(16/4) = 2, √(4/14.5) = 0.525; weights ¾ and ¼.
    """
    train = pd.concat([days("a", 1, y=[2, 4, 4], price=[3, 3, 3]), days("b", 1, y=[0, 3, 1], price=[4, 4, 4])])
    ahead = pd.concat([days("a", 4, y=[6], y_hat=[4]), days("b", 4, y=[1], y_hat=[5])])
    found = wrmsse(train, ahead, STATIC, "price")
    assert list(found.index) == list(LEVELS)
    items = 0.75 * np.sqrt(2) + 0.25 * 2
    assert found["total"] == pytest.approx(np.sqrt(4 / 14.5))
    assert found[["item", "item × state", "item × store"]].tolist() == pytest.approx([items] * 3)
    assert found.iloc[:9].nunique() == 1


def test_wrmsse_without_sales_counts_for_nothing() -> None:
    """A series that sold nothing has neither weight nor scale, and the others' figure is as without it."""
    train = pd.concat([days("a", 1, y=[2, 4, 4], price=[3, 3, 3]), days("b", 1, y=[0, 0, 0], price=[4, 4, 4])])
    ahead = pd.concat([days("a", 4, y=[6], y_hat=[4]), days("b", 4, y=[0], y_hat=[0])])
    assert wrmsse(train, ahead, STATIC, "price")["item × store"] == pytest.approx(np.sqrt(2))


def test_naive2_repeats_the_last_value_with_its_season() -> None:
    """A clear season is taken off the last value and put on the steps ahead; a series without one just goes on."""
    season = np.array([1.0, 2.0, 3.0, 2.0])
    rows = pd.concat([days("flat", 1, y=[5.0] * 20), days("wave", 1, y=list(np.tile(season, 5)[1:] * 10))])
    found = m4.naive2(rows, h=4, m=4).set_index("unique_id")["y_hat"]
    assert found["flat"].tolist() == [5.0] * 4
    assert found["wave"].tolist() == pytest.approx(list(season * 10))
    assert not m4.is_seasonal(np.arange(11.0), 4)


def test_naive2_is_the_published_one(shared_data: Path) -> None:
    """sMAPE and MASE on all 414 hourly series are those of the competition's table."""
    panel = m4.load(shared_data)
    found = panel.judge(m4.naive2(panel.train, m4.H, m4.SEASON))
    assert {"smape": round(found["smape"], 5), "mase": round(found["mase"], 3)} == m4.NAIVE2
    assert found["owa"] == 1.0


def test_a_forecast_that_lacks_a_value_is_not_judged() -> None:
    """It would count as no error."""
    train, test = days("a", 1, y=[1.0, 2, 3]), days("a", 4, y=[4.0, 5])
    with pytest.raises(ValueError, match="1 of 2 values have no forecast"):
        judge.errors(train, test, days("a", 4, y_hat=[4.0]), 1, (80,))
    assert judge.errors(train, test, days("a", 4, y_hat=[4.0, 6]), 1, (80,))["mae"] == 0.5


def test_a_program_is_measured_with_its_children() -> None:
    """Its seconds, and the memory of a child that holds 200 MiB."""
    child = "import time; held = bytearray(200 * 2**20); time.sleep(1)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    cost = process.measure([sys.executable, "-c", parent])
    assert 1 <= cost.seconds < 30
    assert 200 <= cost.peak_mb < 300


def test_a_program_that_fails_or_takes_too_long_is_ended() -> None:
    """With what it wrote, or with the limit."""
    with pytest.raises(RuntimeError, match="no such luck"):
        process.measure([sys.executable, "-c", "raise SystemExit('no such luck')"])
    with pytest.raises(process.TooLong, match="over 1 s"):
        process.measure([sys.executable, "-c", "import time; time.sleep(60)"], timeout=1)


def test_a_rival_forecasts_once_for_the_same_input(tmp_path: Path) -> None:
    """All steps, bounds and the floor; a second time its forecasts and its cost come from the cache."""
    train = pd.concat([days("a", 1, y=[float(n % 3) for n in range(30)]), days("b", 1, y=[0.0] * 30)])
    task = rivals.Task(3, "D", (3,), (80,), floor=True)
    first = rivals.ask("seasonal naive", train, task, tmp_path / "once", tmp_path / "cache", 300)
    again = rivals.ask("seasonal naive", train, task, tmp_path / "twice", tmp_path / "cache", 300)
    assert (first.kept, again.kept) == (False, True)
    assert again.cost == first.cost
    pd.testing.assert_frame_equal(again.forecasts, first.forecasts)
    assert list(first.forecasts) == ["unique_id", "ds", "y_hat", "lo_80", "hi_80"]
    assert first.forecasts["y_hat"].tolist() == [0.0, 1.0, 2.0, 0.0, 0.0, 0.0]
    assert (first.forecasts["lo_80"] >= 0).all()


def test_a_page_has_its_table_and_a_small_picture(tmp_path: Path) -> None:
    """Markdown that shows the picture beside it; an undefined figure has no bar."""
    panels = [page.Bars("error", {"ours": 0.5, "theirs": 1.0, "none": float("nan")}, {"winner": 0.4})] * 3
    page.write(
        tmp_path / "x.md", "Trial", ["On a machine.", page.table(["method", "error"], [["ours", "0.5"]])], panels
    )
    text = (tmp_path / "x.md").read_text()
    assert text.startswith(
        "# Trial\n\nOn a machine.\n\n![Trial](x.png)\n\n| method | error |\n| --- | ---: |\n| ours | 0.5 |"
    )
    assert 1_000 < (tmp_path / "x.png").stat().st_size < 200_000


def test_rmspe_is_relative_and_ignores_days_without_sales() -> None:
    """Errors of a tenth and of three tenths: √((0.01 + 0.09) / 2), whatever was forecast for the closed day."""
    rows = pd.DataFrame({"y": [10.0, 0.0, 100.0], "y_hat": [11.0, 500.0, 70.0]})
    assert covariates.rmspe(rows) == pytest.approx(0.05**0.5)


@pytest.mark.parametrize(
    ("command", "file"),
    [
        ("m4-hourly", "m4_hourly.parquet"),
        ("m5", "m5_sales_447d.parquet"),
        ("scale", "m5_static"),
        ("covariates", "rossmann_daily_grid.parquet"),
        ("monitoring", "gefcom2012_load_hourly.parquet"),
    ],
)
def test_the_commands_say_what_is_missing(
    command: str, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder without the competitions' files is one message, not a traceback."""
    monkeypatch.setattr(sys, "argv", ["benchmark.py", command, "--data", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        benchmark.main()
    assert ended.value.code == 1
    assert file in capsys.readouterr().err.replace("\n", "")


def test_answers_of_the_copilot_become_a_page(tmp_path: Path) -> None:
    """The slowest question first; median and p95 are of all answers but the first ones."""
    found = copilot.Results(9, {"Why {a}?": [10.0, 30.0, 20.0], "How much?": [40.0] * 3}, {}, first=900.0)
    found.grounding = {"Why {a}?": "grounded", "How much?": "abstained"}
    copilot.write_page(tmp_path / "copilot.md", found, "")
    text = (tmp_path / "copilot.md").read_text()
    assert "takes 35 ms (median)" in text
    assert text.index("| How much? | abstained | 40 | 40 |") < text.index("| Why A? | grounded | 20 | 30 |")


def test_what_proofs_tell_becomes_a_page(tmp_path: Path) -> None:
    """A row for each thing that a test has told of itself, and one for the steady work, with its errors and its drift."""
    report = """<testsuites><testsuite><testcase name="a" time="12.5"><properties><property name="kills" value="1,000: none lost"/>
        </properties></testcase><testcase name="b" time="1"/></testsuite></testsuites>"""
    found = proof.told(report)
    assert found == [proof.Proof("kills", "1,000: none lost", 12.5)]
    worked = soak.Soak(
        [300, 310, 313.1], [200, 200, 190], Counter({"200": 9, "500": 1}), [3.0, 4.0], visits=5, failed=1
    )
    assert (worked.errors, worked.drift) == (2, {"service": pytest.approx(0.01), "web app": pytest.approx(-0.05)})
    proof.write_page(tmp_path / "proof.md", found, worked, "")
    text = (tmp_path / "proof.md").read_text()
    assert "| kills | 1,000: none lost | 12 |" in text
    assert "10 answers at 100 a second and 5 visits of pages: 2 errors; p95 of the worst minute 4 ms" in text


def test_the_drift_of_many_series_is_measured() -> None:
    """Its seconds, its memory, and how many tests there were; of a panel in which nothing drifts."""
    found = monitoring.drift(200, seed=1)
    assert found.told["tests"] == 200 * psi.FEATURES
    assert 0 < found.told["seconds"] <= found.cost.seconds
    assert found.told["alert"] == 0
    assert found.cost.peak_mb > 50


def test_alerts_of_a_replay_are_told_apart_by_the_shift() -> None:
    """Those of other series and of weeks before it are nobody's; of the shifted ones the weeks until they are named count."""
    scene = replays.Scene("mine", {}, 4, 7, "a", 1.5, 2)
    rows = [("error", 1, "a1"), ("error", 3, "a1"), ("drift", 2, "a2"), ("drift", 3, "b")]
    alerts = pd.DataFrame(rows, columns=["kind", "week", "series"])
    found = replays.Found(scene, process.Cost(1, 1), process.Cost(1, 1), alerts, ["a1", "a2"], 3, {})
    assert found.unshifted["series"].tolist() == ["a1", "b"]
    assert found.weeks_until("error").to_dict() == {"a1": 2}
    assert found.weeks_until("drift").to_dict() == {"a2": 1}
