"""The agent: a model calls tools and writes a draft, which is sent only if code can verify it."""

import asyncio
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from time import perf_counter
from typing import TYPE_CHECKING

import structlog
from pydantic import BaseModel, Field

from backend.copilot import draft, numberwords, offline
from backend.copilot.answers import AnswerOut, Citation, ExplainIn, Grounding, SpanOut, Usage, fact_out
from backend.copilot.breaker import Breaker
from backend.copilot.draft import Refused, Rendered
from backend.copilot.provider import Budget, endpoint, why
from backend.copilot.redact import redact
from backend.copilot.scope import Scope
from backend.copilot.settings import CopilotSettings
from backend.copilot.toolbox import tools
from backend.core.catalog import WorkspaceReader
from backend.core.keys import ANONYMOUS, Key
from backend.core.metrics import Metrics
from backend.knowledge.knowledge import Knowledge

if TYPE_CHECKING:  # seconds to import
    from pydantic_ai import Agent
    from pydantic_ai.models import Model
    from pydantic_ai.usage import UsageLimits

_REPAIRS = 1  # repairs of a refused draft
_OFFLINE_REQUESTS = 20

Tell = Callable[[str], None]


class NotInTheData(BaseModel):
    """Call this if the facts of the tools do not answer the question."""

    missing: str = Field(max_length=500, description="One sentence on what is missing, without numbers and names.")


@dataclass(frozen=True)
class Outcome:
    """The output of a model, and the part that passed the checks."""

    rendered: Rendered
    abstained: bool


class Copilot:
    """Answers questions about every workspace. Heavy libraries are imported with the first question."""

    def __init__(self, knowledge: Knowledge, metrics: Metrics, settings: CopilotSettings) -> None:
        self._knowledge, self._settings = knowledge, settings
        self._budget = Budget(settings.daily_tokens)
        self._breaker = Breaker(metrics)

    def warm(self) -> None:
        """Imports the libraries and builds the agent ahead of the first answer, which would otherwise take seconds
        longer.
        """
        from pydantic_ai.models import function  # noqa: F401 - the offline planner is such a model

        numberwords.find("ready")
        _ = self._agent

    async def answer(
        self, ask: ExplainIn, data: WorkspaceReader, asker: Key = ANONYMOUS, tell: Tell = lambda tool: None
    ) -> AnswerOut:
        """Answers a question about a workspace, with what the role of `asker` may read; calls `tell` with the name of each tool as
        it is called.

        If an endpoint is configured, its answer is used, provided that it arrives in time and passes the checks;
        otherwise the offline one.
        """
        start, usage, note = perf_counter(), Usage(), ""
        wanted, outcome = self._settings.provider == "openai", None
        if wanted:
            outcome, usage, note = await self._ask_endpoint(ask, data, asker, tell)
        answered = "openai" if outcome else "offline"
        if outcome is None:
            outcome = await self._ask_offline(ask, data, asker, tell)
        grounding: Grounding = "fallback" if wanted and answered == "offline" else "grounded"
        return AnswerOut(
            workspace=ask.workspace,
            explanation=outcome.rendered.text,
            facts=[fact_out(fact) for fact in outcome.rendered.facts],
            spans=[SpanOut(start=one.start, end=one.end, fact=one.fact) for one in outcome.rendered.spans],
            citations=[
                Citation(source=one.source, heading=one.heading, quote=str(one.value))
                for one in outcome.rendered.facts
                if one.concept == "quote"
            ],
            grounding="abstained" if outcome.abstained else grounding,
            note=note,
            provider="openai" if answered == "openai" else "offline",
            model=self._settings.model if answered == "openai" else offline.NAME,
            usage=usage,
            latency_ms=round((perf_counter() - start) * 1000, 1),
            suggestions=offline.suggestions(ask),
        )

    async def _ask_offline(self, ask: ExplainIn, data: WorkspaceReader, asker: Key, tell: Tell) -> Outcome:
        from pydantic_ai.models.function import FunctionModel
        from pydantic_ai.usage import UsageLimits

        scope = await self._scope(ask, data, asker, tell)
        model = FunctionModel(offline.Planner(scope, ask).respond, model_name=offline.NAME)
        limits = UsageLimits(request_limit=_OFFLINE_REQUESTS)  # offline requests are free
        return await self._run(model, scope, ask.question, limits, names=False)

    async def _ask_endpoint(
        self, ask: ExplainIn, data: WorkspaceReader, asker: Key, tell: Tell
    ) -> tuple[Outcome | None, Usage, str]:
        """The outcome of the endpoint, its usage and, if it failed, the reason."""
        from pydantic_ai.usage import UsageLimits

        may, usage = self._settings, Usage()
        limits = UsageLimits(
            request_limit=may.requests, tool_calls_limit=may.tool_calls, total_tokens_limit=may.answer_tokens
        )
        scope = await self._scope(ask, data, asker, tell)
        if self._budget.left(asker.prefix) <= 0:
            return None, usage, "Built-in answer: today's tokens of this key are used up. The day ends at midnight UTC."
        if wait := self._breaker.wait():
            return (
                None,
                usage,
                f"Built-in answer: the endpoint keeps failing. It is asked again in {math.ceil(wait)} s.",
            )
        model = None
        try:
            async with asyncio.timeout(may.patience), endpoint(may) as model:
                usage = model.used
                outcome = await self._run(model, scope, _prompt(ask, scope), limits, names=True)
            self._breaker.succeeded()
            return outcome, usage, ""
        except Exception as error:  # noqa: BLE001 - an endpoint may send anything and make a library raise anything
            if model is None or model.broken:
                self._breaker.failed()
            else:
                self._breaker.succeeded()  # it is reachable; only its answer is unusable
            reason = why(error, model, may.patience)
            structlog.get_logger("backend").warning("copilot endpoint failed", kind=type(error).__name__, reason=reason)
            return None, usage, f"Built-in answer: the endpoint {reason}."
        finally:
            self._breaker.gave_up()  # after a cancelled request, the state of the endpoint is unknown
            self._budget.spend(asker.prefix, usage.input_tokens + usage.output_tokens)

    async def _run(
        self,
        model: "Model",
        scope: Scope,
        prompt: str,
        limits: "UsageLimits",
        *,
        names: bool,
    ) -> Outcome:
        """Runs the agent once, checking each draft and allowing one repair. `names`: whether to reject series names in
        prose. Applies to models only: words of the offline rules may equal the name of a series.
        """
        scope.names = draft.casefolded(tuple((await scope.series()).ids)) if names else frozenset()
        result = await self._agent.run(prompt, model=model, deps=scope, usage_limits=limits)
        return _let_through(result.output, scope)

    @cached_property
    def _agent(self) -> "Agent[Scope, str | NotInTheData]":
        from pydantic_ai import Agent, ModelRetry, RunContext, ToolOutput

        agent: Agent[Scope, str | NotInTheData] = Agent(
            deps_type=Scope,
            output_type=[str, ToolOutput(NotInTheData, name="not_in_the_data")],
            instructions=resources.files("backend.copilot").joinpath("prompts/system.md").read_text(encoding="utf-8"),
            tools=tools(),
            retries=_REPAIRS,
        )

        @agent.output_validator
        def check(context: RunContext[Scope], output: str | NotInTheData) -> str | NotInTheData:
            try:
                _let_through(output, context.deps)
            except Refused as reason:
                structlog.get_logger("backend").info("copilot draft refused", reason=redact(str(reason)))
                raise ModelRetry(redact(str(reason))) from None
            return output

        return agent

    async def _scope(self, ask: ExplainIn, data: WorkspaceReader, asker: Key, tell: Tell) -> Scope:
        """The data that may be read for this question. The series in it must exist."""
        scope = Scope(data, self._knowledge, asker=asker, tell=tell)
        if ask.unique_id is not None:
            scope.focus = await scope.which(ask.unique_id)
        return scope


def _let_through(output: str | NotInTheData, scope: Scope) -> Outcome:
    """The output of a model, rendered; Refused if it fails a check."""
    if isinstance(output, NotInTheData):
        return Outcome(draft.render_draft(output.missing, scope.ledger, scope.subject, scope.names), abstained=True)
    return Outcome(draft.render_draft(output, scope.ledger, scope.subject, scope.names), abstained=False)


def _prompt(ask: ExplainIn, scope: Scope) -> str:
    """The prompt: the question and the current page, marked as data."""
    asked: dict[str, str | list[str]] = {"question": ask.question, "page": ask.page}
    if ask.history:
        asked["asked before"] = [turn.question for turn in ask.history]
    if scope.focus:
        asked["series on screen"] = scope.focus
    return redact(json.dumps(asked, ensure_ascii=False))
