"""Takes the part of a model in the agent's loop: asks tools step by step, then writes the draft."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from backend.copilot.answers import ExplainIn
from backend.copilot.scope import Scope

if TYPE_CHECKING:  # seconds to import
    from pydantic_ai.messages import ModelMessage, ModelResponse
    from pydantic_ai.models.function import AgentInfo

NAME = "rules"


@dataclass
class Planner:
    """A model of one question."""

    scope: Scope
    ask: ExplainIn

    def __call__(self, messages: "list[ModelMessage]", info: "AgentInfo") -> "ModelResponse":
        from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart

        if not len(self.scope.ledger):
            return ModelResponse([ToolCallPart("forecast_summary", {"unique_id": self.scope.focus})])
        return ModelResponse([TextPart(self._summary())])

    def _summary(self) -> str:
        found = {one.concept: one.id for one in self.scope.ledger}
        parts = [f"The forecast totals {{{{{found['forecast_total']}}}}} for {{{{{found['forecast_period']}}}}}."]
        if "change_on_last_period" in found:
            parts.append(f"Against the last period it {{{{{found['change_on_last_period']}:moves}}}}.")
        return " ".join(parts)
