"""What can be looked up about a workspace: its cards, reports, data dictionary, documents and people's notes."""

from backend.copilot.knowledge.knowledge import Hit, Knowledge

__all__ = ["Hit", "Knowledge"]
