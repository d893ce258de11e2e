"""The tools as a model sees them: their typed functions, and their facts as JSON."""

import functools
import inspect
import json
from collections.abc import Awaitable, Callable
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
    from pydantic_ai import Tool

    found: list[Tool[Scope]] = []
    for name in plugins.names(PACKAGE):
        function = plugins.load(PACKAGE, name).run
        found.append(Tool(_called(name, function), name=name, description=inspect.getdoc(function), takes_ctx=True))
    return found


def _called(name: str, function: Callable[..., Awaitable[Facts]]) -> Callable[..., Awaitable[str]]:
    """The tool for a run of an agent, whose dependencies are the scope."""
    from pydantic_ai import RunContext

    @functools.wraps(function)
    async def call(context: RunContext[Scope], **arguments: Any) -> str:
        scope = context.deps
        scope.tell(name)
        return told(scope, await look_up(scope, function, **arguments))

    first, *others = inspect.signature(function, eval_str=True).parameters.values()
    context = first.replace(name="context", annotation=RunContext[Scope])
    call.__signature__ = inspect.Signature([context, *others], return_annotation=str)  # type: ignore[attr-defined]
    call.__annotations__ = {one.name: one.annotation for one in (context, *others)} | {"return": str}
    return call


async def look_up(scope: Scope, function: Callable[..., Awaitable[Facts]], **arguments: Any) -> Facts:
    """What a tool answers; where it cannot, its reason in the place of facts."""
    try:
        return await function(scope, **arguments)
    except CannotTell as reason:
        return Facts([], str(reason))
    except Problem as problem:
        return Facts([], str(problem.detail))
    except ForecastError as error:
        return Facts([], str(of_library(error).detail))


def told(scope: Scope, found: Facts) -> str:
    """The facts with their ids, as JSON; what must not leave is taken out."""
    known = scope.ledger.add(found.facts[:MOST])
    told = {"facts": [_as_json(scope, one) for one in known], "note": redact(found.note)}
    return json.dumps(told, ensure_ascii=False)


def _as_json(scope: Scope, fact: Fact) -> dict[str, Any]:
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
