"""The examples of docs/CONTRIBUTING.md are complete: each is put where the page says, found by its name, and works."""

import asyncio
import importlib
import inspect
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from backend.copilot import toolbox
from frontend.core import pages
from pipelines.core import plugins
from pipelines.core.config import Project
from pipelines.core.errors import DataError
from pipelines.core.progress import Silent
from pipelines.forecasting import flows, settings
from pipelines.forecasting.flows import Context
from pipelines.storage import catalog
from pipelines.storage.store import stores
from tests.backend.conftest import open_scope
from tests.contracts import test_models, test_sources
from tests.support import site as sites
from tests.support.factories import panel

PAGE = Path(__file__).parents[2] / "docs/CONTRIBUTING.md"
EXAMPLES = dict(re.findall(r"^`([\w/]+\.\w+)`\n\n```\w+\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S))
MODEL, SOURCE, WORKSPACE, TOOL = (
    "pipelines/forecasting/models/drift.py",
    "pipelines/sources/json_file.py",
    "configs/workspaces/kiosks.yaml",
    "backend/copilot/tools/data_range.py",
)
APP_PAGE = [f"frontend/account/{name}.py" for name in ("__init__", "calls", "page")]

PACKAGES = ("pipelines.forecasting.models", "pipelines.sources", "backend.copilot.tools", "frontend")


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with all examples, whose Python packages are also looked for in there."""
    for name, text in EXAMPLES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for name in PACKAGES:
        package = importlib.import_module(name)
        folder = str(tmp_path / name.replace(".", "/"))
        monkeypatch.setattr(package, "__path__", [*package.__path__, folder])
    yield tmp_path
    imported = [
        name for name, one in sys.modules.items() if str(getattr(one, "__file__", "")).startswith(str(tmp_path))
    ]
    for module in imported:
        parent, _, name = module.rpartition(".")
        vars(sys.modules.get(parent, sys)).pop(name, None)  # a package keeps its modules as attributes
        del sys.modules[module]


def test_the_page_has_an_example_of_each_extension_point() -> None:
    """None of them exists in the project, so each is a new file."""
    assert {MODEL, SOURCE, WORKSPACE, TOOL, *APP_PAGE} == set(EXAMPLES)
    for name in EXAMPLES:
        assert not (PAGE.parents[1] / name).exists(), name


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name.endswith(".py")])
def test_an_example_is_python_as_the_project_writes_it(name: str, tmp_path: Path) -> None:
    """ruff finds nothing in it and would not format it otherwise."""
    path = tmp_path / Path(name).name
    path.write_text(EXAMPLES[name], encoding="utf-8")
    ruff = [Path(sys.executable).with_name("ruff"), "--config", PAGE.parents[1] / "pyproject.toml"]
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run([ruff[0], *command, *ruff[1:], path], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


def test_the_model_is_found_and_keeps_the_contract_of_every_model(added: Path) -> None:
    """By the name of its file; every check of the contract is called with it."""
    assert "drift" in plugins.names("pipelines.forecasting.models")
    checks = [
        check for name, check in vars(test_models).items() if name.startswith(("test_every_model", "test_no_model"))
    ]
    assert len(checks) >= 8
    given = {"train": panel(future=test_models.FUTURE, ahead=test_models.H), "n": 3, "values": 5.0}
    for check in checks:
        check("drift", **{name: given[name] for name in inspect.signature(check).parameters if name != "name"})


def test_the_source_is_found_and_keeps_the_contract_of_every_source(
    added: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the name of its file, with the example that the page asks for; a missing file is a DataError."""

    def options(folder: Path) -> dict[str, str]:
        (folder / "kiosks.json").write_text('[{"date": "2024-01-01", "sold": 3}]', encoding="utf-8")
        return {"name": "kiosks.json"}

    assert "json_file" in plugins.names(test_sources.PACKAGE)
    monkeypatch.setitem(test_sources.EXAMPLES, "json_file", options)
    test_sources.test_every_source_refuses_an_unknown_option("json_file", added)
    test_sources.test_every_source_reads_only_when_asked("json_file", added)
    module = plugins.load(test_sources.PACKAGE, "json_file")
    source = module.build(module.Options.model_validate(options(added)), added)
    test_sources.test_every_source_gives_rows_with_named_columns_and_their_origin(source)
    test_sources.test_every_source_reads_the_same_twice(source)
    with pytest.raises(DataError, match=r"other\.json: cannot be read as JSON\. Put a list of objects there"):
        module.build(module.Options(name="other.json"), added).read()


def test_the_workspace_is_forecast_with_the_new_source_and_the_new_model(added: Path) -> None:
    """From its file to published forecasts, through the flow that the page names."""
    days = pd.date_range("2024-01-01", periods=60).strftime("%Y-%m-%d")
    rows = [
        {"date": day, "kiosk": kiosk, "sold": 10 * k + n % 7}
        for k, kiosk in enumerate("ab")
        for n, day in enumerate(days)
    ]
    project = Project(data_dir=str(added / "data"), artifacts_dir=str(added / "artifacts"), n_jobs=1)
    (added / "data").mkdir()
    (added / "data/kiosks.json").write_text(json.dumps(rows), encoding="utf-8")
    workspace = settings.load_workspace("kiosks", {"FORECAST_CONFIG_DIR": str(added / "configs")})
    forecasts = flows.run_all(workspace, Context(project, stores(project), Silent())).read_parquet("forecasts.parquet")
    assert forecasts.groupby("unique_id").size().to_dict() == {"a": 7, "b": 7}
    metrics = catalog.reader(project).production("kiosks").read_parquet("metrics.parquet")
    assert {"drift", "seasonal_naive"} <= set(metrics["model"])


def test_the_page_is_in_the_menu_and_opens(
    added: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the name of its folder, beside the pages that exist, with what the API answers."""
    shutil.copytree(PAGE.parents[1] / "frontend", added / "frontend", dirs_exist_ok=True)
    monkeypatch.setattr(pages, "_APP", added / "frontend")
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    pages.pages.cache_clear()
    st.cache_resource.clear()
    try:
        with sites.running(sites.made(tmp_path_factory), added / "log") as (address, _):
            monkeypatch.setenv("APP_API_URL", address)
            app = AppTest.from_file(str(added / "frontend/app.py"), default_timeout=60)
            app._page_hash = calc_hash("account")
            app.run()
    finally:
        pages.pages.cache_clear()
        st.cache_resource.clear()
    assert not app.exception
    assert app.title[0].value == "Account"
    assert {metric.label: metric.value for metric in app.metric} == {"Name": "local", "Role": "admin"}


def test_the_tool_is_found_and_answers_with_facts(
    added: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the name of its file; the checks of every tool are called with it, and the model is offered it."""
    from tests.backend.copilot import test_tools

    site = sites.made(tmp_path_factory)
    for variable, value in site.environ.items():
        monkeypatch.setenv(variable, value)
    scope = open_scope(site)
    assert "data_range" in [tool.name for tool in toolbox.tools()]
    test_tools.test_arguments_are_typed_and_told("data_range")
    test_tools.test_facts_are_few_and_complete("data_range", scope)
    found = asyncio.run(toolbox.look_up(scope, plugins.load(toolbox.PACKAGE, "data_range").run))
    assert [fact.concept for fact in found.facts] == ["last_date", "n_series"]
