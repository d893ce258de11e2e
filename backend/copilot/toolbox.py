"""Tools as a model sees them: typed functions that return facts as JSON."""

import inspect
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from types import MethodType
from typing import TYPE_CHECKING, Any

from backend.copilot import render
from backend.copilot.facts import MOST, Fact, Facts
from backend.copilot.redact import redact
from backend.copilot.scope import CannotTell, Scope
from backend.core.errors import Problem, of_library
from pipelines.core import plugins
from pipelines.core.errors import ForecastError

if TYPE_CHECKING:  # seconds to import
    from pydantic_ai import Tool

PACKAGE = "backend.copilot.tools"


def tools() -> "list[Tool[Scope]]":
    """Every registered tool."""
    return [_tool(name, plugins.load(PACKAGE, name).run) for name in plugins.names(PACKAGE)]


def _tool(name: str, function: Callable[..., Awaitable[Facts]]) -> "Tool[Scope]":
    """A tool with the arguments of `function` except its scope, which the agent's run supplies."""
    from pydantic_ai import RunContext, Tool

    async def call(context: RunContext[Scope], **arguments: Any) -> str:
        scope = context.deps
        scope.tell(name)
        return told(scope, await look_up(scope, function, **arguments))

    bound = MethodType(function, Scope)  # never called: binding removes the scope from its arguments
    arguments_only = Tool(bound, takes_ctx=False).function_schema
    schema = replace(arguments_only, function=call, takes_ctx=True, return_schema={"type": "string"})
    return Tool(call, name=name, description=inspect.getdoc(function), function_schema=schema)


async def look_up(scope: Scope, function: Callable[..., Awaitable[Facts]], **arguments: Any) -> Facts:
    """The facts from a tool or, if it has no answer, the reason."""
    try:
        return await function(scope, **arguments)
    except CannotTell as reason:
        return Facts([], str(reason))
    except Problem as problem:
        return Facts([], str(problem.detail))
    except ForecastError as error:
        return Facts([], str(of_library(error).detail))


def told(scope: Scope, facts: Facts) -> str:
    """The facts with their IDs as JSON, redacted."""
    known = scope.ledger.add(facts.facts[:MOST])
    told = {"facts": [_as_json(scope, one) for one in known], "note": redact(facts.note)}
    return json.dumps(told, ensure_ascii=False)


def _as_json(scope: Scope, fact: Fact) -> dict[str, object]:
    about = [named.id for subject in fact.of if (named := scope.ledger.find(subject.kind, subject))]
    content = {
        "id": fact.id,
        "is": fact.what.label,
        "text": redact(render.text(fact)),
        "about": [] if fact.names else about,
        "period": redact(fact.period),
        "say": [list(group[:6]) for group in fact.what.says],
    }
    return {name: value for name, value in content.items() if value}
