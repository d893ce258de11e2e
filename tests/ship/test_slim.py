"""What the image of the API has no library for."""

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipelines.core import pipe
from pipelines.forecasting.monitoring import report

ROOT = Path(__file__).parents[2]


def excluded() -> list[str]:
    """The modules of the libraries that the API's image leaves out, where the name is the package's."""
    names = (ROOT / "images/api.excludes").read_text(encoding="utf-8").splitlines()
    return [
        name for name in names if name and name[0] != "#" and name not in ("interpret-core", "huggingface-hub", "build")
    ]


def test_service_worker_and_jobs_start_without_what_is_left_out() -> None:
    """With each of these libraries blocked, the service, the process that computes and the scripts of jobs are imported."""
    blocked = ";".join(f"sys.modules[{name!r}] = None" for name in [*excluded(), "interpret", "huggingface_hub"])
    scripts = (
        "scripts.run_etl, scripts.train, scripts.inference, scripts.run_all, scripts.monitor, scripts.create_api_key"
    )
    code = f"import sys; {blocked}; import backend.app, pipelines.forecasting.worker, pipelines.forecasting.previewer, {scripts}"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_model_whose_library_is_not_there_is_refused_in_words() -> None:
    """The answer names the library and what to do; the next request is answered."""

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        if request["model"] == "prophet":
            raise ModuleNotFoundError("No module named 'prophet'", name="prophet")
        return {}

    answers = io.BytesIO()
    requests = io.BytesIO(b'{"model": "prophet"}\n{"model": "theta"}\n')
    pipe.serve(answer, requests, answers)
    lines = [json.loads(line) for line in answers.getvalue().replace(b"{}", b"").splitlines() if line]
    assert [line["kind"] for line in lines] == ["ok", "NotInstalled", "ok"]
    assert lines[1]["message"].startswith("prophet is not installed where this service computes.")


def test_monitoring_does_without_its_page_where_evidently_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """It looks for the library; it does not try to import it."""
    assert report.evidently_installed()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert not report.evidently_installed()
