"""Offline planner: replaces the model in the agent's loop. Calls tools step by step, then writes the draft."""

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from backend.copilot import draft
from backend.copilot.answers import ExplainIn
from backend.copilot.offline.about import About, Plan
from backend.copilot.offline.choice import choose
from backend.copilot.offline.prose import Call, Found, Missing
from backend.copilot.offline.question import understand
from backend.copilot.scope import Scope

if TYPE_CHECKING:  # seconds to import
    from pydantic_ai.messages import ModelMessage, ModelResponse
    from pydantic_ai.models.function import AgentInfo

NAME = "rules"
_UNSAID = "The facts are there, but they could not be put into words."


@dataclass
class Planner:
    """A model for a single question."""

    scope: Scope
    ask: ExplainIn
    _plan: Plan | None = field(default=None, init=False)
    _written: str = field(default="", init=False)

    async def respond(self, messages: "list[ModelMessage]", info: "AgentInfo") -> "ModelResponse":
        """The next tool to call, or the answer."""
        if self._plan is None:
            asked = await understand(self.scope, self.ask)
            self._plan = choose(await self._about(asked, info), asked)
            return self._step(None)
        answers = [part for part in messages[-1].parts if part.part_kind == "tool-return"]
        if self._written or not answers:  # the draft was refused: keep the parts that pass
            return self._answer(self._shortened() or Missing(_UNSAID))
        return self._step(self._found(str(answers[-1].content)))

    async def _about(self, asked: Any, info: "AgentInfo") -> About:
        table, run = await self.scope.series(), await self.scope.run()
        series = asked.series
        if not asked.names_something and not asked.is_of_all:
            only = table.ids[0] if len(table.ids) == 1 else None
            series = tuple(one for one in (self.scope.focus or only,) if one)
        tools = frozenset(tool.name for tool in info.function_tools)
        summed = run.settings.target.sums_over_time
        filters = {} if series or asked.matching else asked.filters
        return About(asked, series, filters, summed, tools, table, self.scope.asker.may("analyst"))

    def _step(self, gave: Found | None) -> "ModelResponse":
        from pydantic_ai.messages import ModelResponse, ToolCallPart

        assert self._plan is not None  # noqa: S101 - set by the first call
        try:
            step: Call = next(self._plan) if gave is None else self._plan.send(gave)
        except StopIteration as done:
            return self._answer(done.value)
        return ModelResponse([ToolCallPart(step.tool, dict(step.arguments))])

    def _answer(self, said: str | Missing) -> "ModelResponse":
        from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart

        if isinstance(said, Missing) or not said:
            self._written = (said.why if isinstance(said, Missing) else "") or _UNSAID
            return ModelResponse([ToolCallPart("not_in_the_data", {"missing": self._written})])
        self._written = said
        return ModelResponse([TextPart(said)])

    def _found(self, answer: str) -> Found:
        """The result of a tool, as stored in the ledger."""
        told = json.loads(answer)
        facts = (self.scope.ledger.get(one["id"]) for one in told["facts"])
        return Found(tuple(fact for fact in facts if fact is not None), told["note"])

    def _shortened(self) -> str:
        kept = []
        for line in self._written.split("\n"):
            try:
                draft.render_draft(line, self.scope.ledger, self.scope.subject)
            except draft.Refused:
                continue
            kept.append(line)
        return "\n".join(kept).strip()
