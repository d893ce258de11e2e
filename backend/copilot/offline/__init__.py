"""The copilot without a model: rules that understand an analyst's questions, ask the same tools and write the same drafts."""

from backend.copilot.offline.planner import NAME, Planner
from backend.copilot.offline.suggestions import suggestions

__all__ = ["NAME", "Planner", "suggestions"]
