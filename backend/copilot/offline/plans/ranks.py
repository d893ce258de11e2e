"""Plans about rankings and comparisons of series and groups."""

import re

from backend.copilot.facts import Subject
from backend.copilot.offline.about import About, Plan, which
from backend.copilot.offline.prose import Found, Missing, call

_SHOWN, _MOST = 5, 10
# Sentences by measure: for the first in the ranking (highest, lowest), and for the others.
_SAID: dict[str, tuple[str, str, str]] = {
    "attention": (
        "{who} needs attention most: it is in {rank} place.",
        "{who} needs the least attention: it is in {rank} place.",
        "{who}",
    ),
    "error": (
        "The worst is {who}, in {rank} place with an error of {error} in the backtest.",
        "The best is {who}, in {rank} place with an error of {error} in the backtest.",
        "{who}, with an error of {error}",
    ),
    "skill": (
        "The best is {who}, in {rank} place with a skill of {skill} against the seasonal naive.",
        "The worst is {who}, in {rank} place with a skill of {skill} against the seasonal naive.",
        "{who}, with a skill of {skill}",
    ),
    "forecast": (
        "The largest is {who}, in {rank} place: its forecast {totals} {forecast_total}.",
        "The smallest is {who}, in {rank} place: its forecast {totals} {forecast_total}.",
        "{who}, where the forecast {totals} {forecast_total}",
    ),
    "change_on_last_period": (
        "{who} is in {rank} place: against the last period it {change_on_last_period:moves}.",
        "{who} is in {rank} place: against the last period it {change_on_last_period:moves}.",
        "{who}, which {change_on_last_period:moves} against the last period",
    ),
    "change_on_last_year": (
        "{who} is in {rank} place: against last year it {change_on_last_year:moves}.",
        "{who} is in {rank} place: against last year it {change_on_last_year:moves}.",
        "{who}, which {change_on_last_year:moves} against last year",
    ),
}
_DOWN = re.compile(r"\b(?:fall\w*|drop\w*|declin\w*|decreas\w*|shrink\w*|los(?:e|es|ers?|ing)|down|dip\w*|slump\w*)\b")
_SMALL = re.compile(r"\b(?:least|smallest|lowest|fewest|worst|bottom)\b")
_GROUPS = re.compile(r"\b(?:which|what|best|top|worst|rank|by|per|each|every|compare|across)\b[^?]*\bATTRIBUTE")


def attention(about: About) -> Plan:
    """The series that need attention, ranked as in the Portfolio."""
    return (yield from _ranked(about, "attention", "highest"))


def by_error(about: About) -> Plan:
    """The series with the worst or the best forecasts."""
    best = bool(
        re.search(
            r"\b(?:best|most (?:accurate|reliable|predictable)|easiest|(?:lowest|smallest|least) (?:errors?|METRIC)|highest skill|most skill)\b",
            about.text,
        )
    )
    if "skill" in about.text:
        return (yield from _ranked(about, "skill", "highest" if best else "lowest"))
    return (yield from _ranked(about, "error", "lowest" if best else "highest"))


def by_size(about: About) -> Plan:
    """The series, or groups, with the largest or the smallest forecasts."""
    return (yield from _ranked(about, "forecast", "lowest" if _SMALL.search(about.text) else "highest"))


def movers(about: About) -> Plan:
    """The series whose forecasts change most."""
    by = "change_on_last_year" if "year" in about.text else "change_on_last_period"
    return (yield from _ranked(about, by, "lowest" if _DOWN.search(about.text) else "highest"))


def compare(about: About) -> Plan:
    """Comparison of series or groups."""
    asked = about.question
    several = {attribute: values for attribute, values in asked.values.items() if len(values) > 1}
    if len(about.series) > 1:
        comparison = yield call("compare_series", unique_ids=list(about.series[:_MOST]))
        return (yield from _side_by_side(about, comparison, comparison.subjects("series")))
    if several:
        attribute, values = next(iter(several.items()))
        comparison = yield call("compare_series", by=attribute, values=list(values))
        return (yield from _side_by_side(about, comparison, comparison.subjects("group")))
    if asked.attributes and not about.series:
        comparison = yield call("compare_series", by=asked.attributes[0])
        return (yield from _side_by_side(about, comparison, comparison.subjects("group")))
    if about.is_many and not about.filters:
        return (yield from which(about))
    return Missing("To compare, name several series or groups.")


def _ranked(about: About, by: str, order: str) -> Plan:
    asked = about.question
    if (
        asked.attributes
        and by != "attention"
        and _GROUPS.search(about.text)
        and _are_groups(about, asked.attributes[0])
    ):
        return (yield from _ranked_groups(about, asked.attributes[0], by, order))
    limit = min(asked.number or _SHOWN, _MOST)
    ranking = yield call("rank_series", by=by, order=order, limit=limit, filters=about.filters or None)
    ranked = [subject for subject in ranking.subjects("series") if ranking.about(subject).one("rank")]
    if not ranked:
        return Missing("Nothing is known to rank these series by.")
    return _list(about, ranking, ranked, by, order)


def _are_groups(about: About, attribute: str) -> bool:
    """Whether the values of an attribute hold more than one series each; products within one store, for example, do
    not.
    """
    if about.one:
        return False
    rows = about.table.select("", about.filters)
    return len(about.table.counts(attribute, rows)) < len(rows)


def _ranked_groups(about: About, attribute: str, by: str, order: str) -> Plan:
    ranking = yield call("compare_series", by=attribute, measure=by, order=order, filters=about.filters or None)
    groups = ranking.subjects("group")[: min(about.question.number or _SHOWN, _MOST)]
    return _list(about, ranking, groups, by, order) if groups else Missing(ranking.note)


def _list(about: About, ranking: Found, ranked: list[Subject], by: str, order: str) -> str:
    """The first in the ranking in a sentence, the others as a list."""
    who = "{series}" if ranked[0].kind == "series" else "{group}"
    high, low, other = (said.replace("{who}", who).replace("{totals}", about.totals) for said in _SAID[by])
    first = ranking.about(ranked[0]).say(high if order == "highest" else low)
    lines = [line for one in ranked[1:] if (line := ranking.about(one).say(f"- {other}"))]
    return "\n".join([first, *(["", "Then come:", "", *lines] if lines else [])])


def _side_by_side(about: About, comparison: Found, subjects: list[Subject]) -> Plan:
    if len(subjects) < 2:
        return Missing("Only some of that is forecast, so there is nothing to compare it with.")
    lines = []
    for subject in subjects:
        own, slot = comparison.about(subject), "{series}" if subject.kind == "series" else "{group}"
        said = own.say(f"The forecast of {slot} {about.totals} {{forecast_total}}.")
        more = [
            own.say("Against the last period it {change_on_last_period:moves}."),
            own.say("Against last year it {change_on_last_year:moves}."),
            own.say("Its error in the backtest is {error}."),
        ]
        lines.append("- " + " ".join(one for one in (said, *more) if one))
    text = "\n".join(lines)
    a, b = (comparison.about(subject).one("forecast_total") for subject in subjects[:2])
    if len(subjects) == 2 and a is not None and b is not None and a.value != b.value:
        made = yield call("compute", operation="difference", facts=[a.id, b.id])
        more_or_less = "more" if (made.number("derived_difference") or 0) > 0 else "less"
        slot = "series" if subjects[0].kind == "series" else "group"
        names = [f"{{{{{fact.id}}}}}" for subject in subjects for fact in comparison.about(subject).all(slot)[:1]]
        gap = made.say(
            f"The forecast of {names[0]} is {{derived_difference:by}} {more_or_less} than that of {names[1]}."
        )
        text = f"{gap}\n\n{text}"
    return text
