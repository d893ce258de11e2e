"""What the command lines share, and what they show."""

import json

import pandas as pd
import pytest

from pipelines.core.errors import DataError
from scripts import _cli, showing


def test_progress_off_a_terminal_is_a_few_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """A thousand items make about ten lines on stderr, the last one with the total, and all items arrive."""
    reporter = _cli.Reporter(json_log=False)
    assert list(reporter.track(range(1000), "fit", 1000)) == list(range(1000))
    out, err = capsys.readouterr()
    assert out == ""
    assert 8 <= len(err.splitlines()) <= 12
    assert "done=1,000 total=1,000" in err.splitlines()[-1]


def test_json_log_lines_are_objects_with_the_facts(capsys: pytest.CaptureFixture[str]) -> None:
    """Each line is JSON with event, level, UTC time and the facts as they are."""
    _cli.Reporter(json_log=True).say("run finished", run_id="r", champion=0.5, rows=1000)
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["run_id"], line["champion"], line["rows"]) == ("run finished", "r", 0.5, 1000)
    assert line["timestamp"].endswith("Z")


def test_a_users_mistake_is_one_message_and_exit_code_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No traceback; where, what, what to do, and the code that docs/ERRORS.md explains. Brackets are text, not markup."""

    def fail() -> None:
        remedy = "Set source.columns.y."
        raise DataError("column 'a[b]' is missing", code="missing_column", where="shop.csv", remedy=remedy)

    monkeypatch.setattr("sys.argv", ["tool"])
    with pytest.raises(SystemExit) as stopped:
        _cli.command(fail)()
    assert stopped.value.code == 1
    told = "error: shop.csv: column 'a[b]' is missing. Set source.columns.y. [missing_column]"
    assert capsys.readouterr().err.strip() == told


def test_the_picture_opens_without_a_network() -> None:
    """The page carries its script itself and asks no other host for one."""
    import plotly.graph_objects as go

    page = showing.page([go.Figure(go.Scatter(x=pd.date_range("2024", periods=2), y=[1, 2]))])
    assert "<script src=" not in page
    assert "Plotly.newPlot" in page
