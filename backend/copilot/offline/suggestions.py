"""Suggested questions for the current page."""

from backend.copilot.answers import ExplainIn

_OF_SERIES = ("Why is this forecast what it is?", "Can I trust this forecast?", "What changed since the last run?")
_OF_ALL = ("Which series need attention?", "How accurate are the forecasts?", "Summarise the workspace.")
_BY_PAGE = {
    "portfolio": (
        "Which series need attention?",
        "Which series change most against last year?",
        "Summarise the workspace.",
    ),
    "accuracy": ("How accurate are the forecasts?", "Which series are forecast worst?", "Which model is best?"),
    "monitoring": ("Are there alerts?", "Which inputs have drifted?", "Do the forecasts still hold?"),
    "data": ("How good are the data?", "How many rows were rejected?", "What do the columns mean?"),
    "runs": ("What changed since the last run?", "Which series got worse?", "Which model is best?"),
}


def suggestions(ask: ExplainIn) -> list[str]:
    """Three questions that fit the page and its series, without the one just asked."""
    questions = _OF_SERIES if ask.unique_id else _BY_PAGE.get(ask.page, _OF_ALL)
    return [one for one in questions if one.casefold() != ask.question.casefold()]
