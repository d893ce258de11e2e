"""What may be imported by whom, as far as only running it shows."""

import subprocess
import sys

import pytest

HEAVY = (
    "statsforecast",
    "prophet",
    "pmdarima",
    "sklearn",
    "statsmodels",
    "lightgbm",
    "pandera",
    "plotly",
    "holidays",
    "sqlalchemy",
)


@pytest.mark.parametrize(
    ("modules", "allowed"),
    [
        (
            "pipelines.forecasting.read, pipelines.forecasting.settings, pipelines.runs.recording, pipelines.runs.aliases",
            (),
        ),
        ("pipelines.forecasting.flows", ()),
        ("scripts.train, scripts.inference, scripts.run_etl", ()),
        ("scripts.run_all", ("plotly",)),
    ],
)
def test_importing_brings_no_heavy_library_along(modules: str, allowed: tuple[str, ...]) -> None:
    """Readers need no model library installed, and `--help` does not wait for one: each is imported where it is used."""
    code = f"import sys, {modules}; print(*(name for name in {HEAVY!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) <= set(allowed)
