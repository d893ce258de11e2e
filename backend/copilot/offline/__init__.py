"""The offline copilot, without a language model: rules that parse questions, call the same tools and write drafts in
the same format.
"""

from backend.copilot.offline.planner import NAME, Planner
from backend.copilot.offline.suggestions import suggestions

__all__ = ["NAME", "Planner", "suggestions"]
