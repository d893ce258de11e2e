"""What holds of every registered tool."""

import asyncio
import inspect
import typing

import pytest
from pydantic import ValidationError

from backend.copilot import render
from backend.copilot.concepts import CONCEPTS
from backend.copilot.facts import MOST
from backend.copilot.toolbox import PACKAGE, look_up, told, tools
from backend.copilot.tools import accuracy
from pipelines.core import plugins
from tests.backend.conftest import open_scope
from tests.support.site import IDS

TOOLS = [name for name in plugins.names(PACKAGE) if name != "search_knowledge"]  # it has tests of its own
TIMES = {"start": "2024-03-20", "end": "2024-03-28"}
GIVEN = {
    "compute": {"operation": "sum", "facts": ["f1", "f2"]},
    "compare_series": {"unique_ids": [IDS[0], IDS[1]]},
    "find_series": {"text": "tea"},
    "forecast_at": TIMES,
    "actuals": TIMES,
}


@pytest.fixture
def scope(site):
    return open_scope(site)


@pytest.mark.parametrize("name", TOOLS)
def test_arguments_are_typed_and_told(name):
    """A model reads a docstring, and every argument has a type."""
    function = plugins.load(PACKAGE, name).run
    hints = typing.get_type_hints(function)
    assert inspect.getdoc(function)
    assert set(inspect.signature(function).parameters) <= set(hints)


@pytest.mark.parametrize("name", TOOLS)
def test_facts_are_few_and_complete(name, scope):
    """At most 60 facts, each with a concept that is defined, a source, and a text."""
    found = asyncio.run(look_up(scope, plugins.load(PACKAGE, name).run, **GIVEN.get(name, _arguments(name))))
    assert len(found.facts) <= MOST
    for fact in found.facts:
        assert fact.concept in CONCEPTS
        assert fact.source
        assert fact.value is None or render.text(fact)
    assert found.facts or found.note


@pytest.mark.parametrize(
    "name", [one for one in TOOLS if "unique_id" in inspect.signature(plugins.load(PACKAGE, one).run).parameters]
)
@pytest.mark.parametrize("unique_id", ["nobody", "../../etc/passwd", "Ash/te", "\x00", "x" * 400])
def test_an_unknown_series_is_a_note(name, unique_id, scope):
    """A name that is not there is told, and raises nothing."""
    given = {**GIVEN.get(name, {}), "unique_id": unique_id}
    found = asyncio.run(look_up(scope, plugins.load(PACKAGE, name).run, **given))
    assert not found.facts
    assert found.note


@pytest.mark.parametrize(
    "name", [one for one in TOOLS if "unique_id" in inspect.signature(plugins.load(PACKAGE, one).run).parameters]
)
@pytest.mark.parametrize("unique_id", IDS)
def test_names_of_every_script_pass_through(name, unique_id, scope):
    """Series with slashes, percent signs and letters of many scripts are found, and shown as what they are."""
    given = {**GIVEN.get(name, {}), "unique_id": unique_id}
    found = asyncio.run(look_up(scope, plugins.load(PACKAGE, name).run, **given))
    told(scope, found)
    for fact in scope.ledger:
        if fact.names:
            assert render.markdown(fact).replace("\\", "") == render.text(fact)


def test_nothing_changes_on_disk(site, scope):
    """Tools read."""
    before = {path: path.stat().st_mtime_ns for path in site.folder.rglob("*") if path.is_file()}
    for name in TOOLS:
        asyncio.run(look_up(scope, plugins.load(PACKAGE, name).run, **GIVEN.get(name, _arguments(name))))
    assert before == {path: path.stat().st_mtime_ns for path in site.folder.rglob("*") if path.is_file()}


def _arguments(name: str) -> dict[str, str]:
    needed = inspect.signature(plugins.load(PACKAGE, name).run).parameters.get("unique_id")
    return {"unique_id": IDS[0]} if needed is not None and needed.default is inspect.Parameter.empty else {}


@pytest.mark.parametrize(
    ("share", "text"), [(0.006, "0.6 %"), (0.01, "1.0 %"), (0.0, "0.0 %"), (0.6, "60.0 %"), (1.0, "100 %")]
)
def test_coverage_and_wape_are_what_the_files_hold(share, text, scope, monkeypatch):
    """A fraction is written in percent whatever its size; its unit is never guessed from the value."""
    of_model = {"coverage_80": share, "coverage_95": share, "wape": share}
    models = ("seasonal_naive", "moving_average", "linear", "naive")
    monkeypatch.setattr(accuracy, "figures", lambda run, name: dict.fromkeys(models, of_model))
    found = [one for one in asyncio.run(accuracy.run(scope, IDS[0])).facts if one.concept in ("coverage", "wape")]
    assert {(fact.value, fact.unit, render.text(fact)) for fact in found} == {(share, "fraction", text)}
    run = asyncio.run(scope.run())
    whole = asyncio.run(accuracy.run(scope)).facts
    told = {fact.value for fact in whole if fact.concept == "coverage"}
    assert told == {value for value in run.figures.coverage.values() if value is not None}


@pytest.mark.parametrize("name", plugins.names(PACKAGE))
def test_a_model_sees_every_argument_but_the_scope(name):
    """The scope comes with the run of the agent; what is no argument of the tool is refused before it is called."""
    (tool,) = (tool for tool in tools() if tool.name == name)
    _, *arguments = inspect.signature(plugins.load(PACKAGE, name).run).parameters.values()
    schema = tool.tool_def.parameters_json_schema
    assert list(schema["properties"]) == [one.name for one in arguments]
    assert schema.get("required", []) == [one.name for one in arguments if one.default is inspect.Parameter.empty]
    with pytest.raises(ValidationError):
        tool.function_schema.validator.validate_python({"scope": "another"})
