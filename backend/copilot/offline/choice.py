"""Selects the plan that answers a question, or the reason to refuse it."""

from collections.abc import Callable, Generator
from functools import partial

from backend.copilot.offline import refusals
from backend.copilot.offline.about import About, Plan, which
from backend.copilot.offline.plans import amounts, ranks, reasons, state, trust
from backend.copilot.offline.prose import Call, Found, Missing
from backend.copilot.offline.question import Question

_PLANS: dict[str, Callable[[About], Plan]] = {
    "help": state.help_,
    "meaning": state.meaning,
    "document": state.meaning,
    "changed": reasons.changed,
    "alerts": trust.alerts,
    "horizon": trust.horizon,
    "counts": state.counts,
    "attention": ranks.attention,
    "models": trust.models,
    "movers": ranks.movers,
    "ranked_error": ranks.by_error,
    "ranked_size": ranks.by_size,
    "peak": partial(amounts.extreme, high=True),
    "trough": partial(amounts.extreme, high=False),
    "interval": amounts.interval,
    "trust": trust.trust,
    "accuracy": trust.accuracy,
    "quality": state.quality,
    "profile": state.profile,
    "why": reasons.why,
    "compare": ranks.compare,
    "share": amounts.share,
    "last_year": amounts.last_year,
    "summary": state.summary,
    "changes": amounts.changes,
    "actuals": amounts.actuals,
    "forecast": amounts.forecast,
}
_OF_MANY = ("help", "meaning", "document", "counts", "ranked_error", "ranked_size", "movers", "attention", "compare")
_OF_ONE = ("alerts", "horizon", "interval", "models", "profile", "quality")  # not available for groups
_SIDE_BY_SIDE = ("forecast", "changes", "share", "summary", "last_year", "accuracy", "trust", "actuals")
_OF_TIMES = ("compare", "changes", "last_year", "actuals", "forecast", "share")
_DOCUMENTS = ("meaning", "document")  # may contain unknown words


def choose(about: About, asked: Question) -> Plan:
    """The plan for a question, or a refusal if the data cannot answer it."""
    if asked.refused:
        return _refuse(asked.refused)
    if asked.nothing:
        return _refuse("No series has all of these names together.")
    intent = _intent(about, asked)
    if asked.unknown and intent not in _DOCUMENTS:
        return _refuse(refusals.UNKNOWN)
    if intent is None:
        return _refuse("It is not clear what is asked.")
    several = any(len(values) > 1 for values in asked.values.values())
    if (several or len(about.series) > 1) and intent in _SIDE_BY_SIDE and not asked.span:
        return ranks.compare(about)
    if (about.is_many and not about.filters and intent not in _OF_MANY) or (about.filters and intent in _OF_ONE):
        return which(about)
    return _PLANS[intent](about)


def _intent(about: About, asked: Question) -> str | None:
    """The most specific intent that fits the names in the question."""
    if _two_times(asked) and set(asked.intents) <= set(_OF_TIMES):
        return "spans"
    for intent in asked.intents:
        match intent:
            case "compare" if not _can_compare(about, asked):
                continue
            case "peak" | "trough" if asked.attributes and "which" in asked.text.split("ATTRIBUTE")[0]:
                return "ranked_size"
            case "share" | "profile" | "trough" | "peak" if _can_compare(about, asked) and "compare" in asked.intents:
                continue
            case "alerts" | "attention" | "movers" | "ranked_size" | "ranked_error" if about.one and asked.series:
                if intent != "alerts":
                    continue
        if intent == "actuals" and asked.span and not asked.span.past:
            return "forecast"
        if intent in ("forecast", "changes", "summary") and asked.span and asked.span.past:
            return "actuals"
        return intent
    if asked.series or asked.filters or about.series:
        return "summary" if not asked.span else "forecast"
    if asked.span:
        return "forecast"
    return "summary" if asked.names_something else None


def _can_compare(about: About, asked: Question) -> bool:
    several = any(len(values) > 1 for values in asked.values.values())
    return len(about.series) > 1 or several or bool(asked.attributes and not about.series and not asked.values)


def _two_times(asked: Question) -> bool:
    return any(one.past for one in asked.spans) and any(not one.past for one in asked.spans)


def _refuse(why: str) -> Generator[Call, Found, str | Missing]:
    yield from ()
    return Missing(why)


_PLANS["spans"] = amounts.compared_spans
