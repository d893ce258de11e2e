"""A pipeline that is followed: its bar, its result, and what the sidebar says of the workspace afterwards."""

from typing import Any

import pytest

from frontend.core import api
from frontend.core.client import Client, Json
from frontend.data import calls, jobs, progress
from tests.frontend.conftest import Open
from tests.support.pages import texts

LOG: list[dict[str, Any]] = [
    {"event": "rows read", "rows": 900},
    {"event": "data checked", "status": "pass"},
    {"event": "backtest naive", "done": 1, "total": 3},
    {"event": "backtest naive", "done": 3, "total": 3},
    {"event": "backtest linear", "done": 2, "total": 3},
    {"event": "note that counts nothing"},
    {"event": "run finished", "run_id": "x"},
    {"event": "forecast", "done": 5, "total": 10},
    {"event": "forecasts published", "rows": 70},
]


def test_the_share_of_a_pipeline_only_grows() -> None:
    """From line to line, over all stages, to the whole."""
    shares = [progress.share("run_all", 2, LOG[:count]) for count in range(len(LOG) + 1)]
    assert shares == pytest.approx([0, 0, 0.2, 0.2 + 1 / 15, 0.4, 0.4 + 2 / 15, 0.4 + 2 / 15, 0.8, 0.9, 1])
    assert progress.share("etl", 2, LOG) == 1
    assert progress.share("a kind of later", 2, LOG) == 0
    assert progress.share("train", 1, LOG) == 1  # more models were tried than the workspace names now


def test_a_job_has_a_bar_then_its_result_and_the_sidebar_is_renewed(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without anybody pressing a key: a link to the forecasts, and no more "no data yet"."""
    state = {"state": "running", "lines": 4}
    workspaces = api.workspaces

    def job(*_: Any) -> Json:
        return {
            "job_id": "j1",
            "kind": "run_all",
            "state": state["state"],
            "started_at": "2024-01-01T00:00:00",
            "created_at": "2024-01-01T00:00:00",
            "finished_at": None,
            "by": "x",
            "error": None,
            "progress": {"stage": "backtest naive", "done": 3, "total": 3},
            "log": [{"timestamp": "2024-01-01T00:00:00", **line} for line in LOG[: state["lines"]]],
        }

    def listed(client: Client) -> list[Json]:
        ended = {"status": "ready"} if state["state"] == "succeeded" else {"status": "no data"}
        return [{**one, **ended} if one["name"] == "shop" else one for one in workspaces(client)]

    monkeypatch.setattr(calls, "job", job)
    monkeypatch.setattr(calls, "jobs", lambda *_: {"items": [job()]})
    monkeypatch.setattr(api, "workspaces", listed)
    app = open_page("data", workspace="shop", view=jobs.VIEW)
    (bar,) = app.get("progress")
    assert 0 < bar.proto.value < 100
    assert "backtest naive 3 of 3" in bar.proto.text
    assert "no data yet" in texts(app)
    state.update(state="succeeded", lines=9)
    app = app.run()
    assert not app.exception
    assert not app.get("progress")
    assert "no data yet" not in texts(app)
    assert any(one.proto.label == "Open the forecasts" for one in app.get("page_link"))
