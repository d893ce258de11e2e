"""Finds the series that a text refers to."""

import asyncio
import re
from typing import Annotated

from pydantic import Field

from backend.copilot.facts import Fact, Facts, name
from backend.copilot.scope import MOST_SERIES, Scope
from pipelines.forecasting.read.series import SeriesTable

_LONGEST = 8  # words of a name in a question
_TRIM = ".,;:!?()[]'\"“”‘’`"


async def run(
    scope: Scope,
    text: Annotated[str, Field(max_length=1_000, description="A name, a part of one, or a whole question.")],
    filters: Annotated[dict[str, str] | None, Field(description="Attributes with their values.")] = None,
) -> Facts:
    """Find series by the names that a text holds, by a part of a name, or by attributes such as store or category.

    Returns the names of the first few and how many there are.
    """
    table = await scope.series()
    names = await asyncio.to_thread(search, table, text, filters or {})
    source = f"data/{table.version}/series.parquet"
    facts = [Fact("n_found", len(names), "series", source=source)]
    facts += [name("series", one, source) for one in names[:MOST_SERIES]]
    return Facts(facts, "" if names else "No series is called like that.")


def search(table: SeriesTable, text: str, filters: dict[str, str]) -> list[str]:
    """Names that occur in the text; if none do, names that contain the whole text or whose parts all occur in it."""
    if filters:
        return [table.ids[row] for row in table.select("", filters)]
    if exact := mentioned(table, text):
        return exact
    sought = text.strip(_TRIM + " ").casefold()
    if sought and len(sought.split()) <= 3 and len(rows := table.select(sought)):
        return [table.ids[row] for row in rows]
    return by_parts(table, text)


def mentioned(table: SeriesTable, text: str) -> list[str]:
    """The series whose full name occurs in the text, ignoring case; longer names are matched first."""
    known = table.by_name
    words = text.split()
    names: list[str] = []
    at = 0
    while at < len(words):
        for size in range(min(_LONGEST, len(words) - at), 0, -1):
            said = " ".join(words[at : at + size])
            hit = next((form for form in _forms(said) if form in table), None)
            hit = hit or next((known[form] for form in _forms(said.casefold()) if form in known), None)
            if hit is not None:
                names.append(hit)
                at += size - 1
                break
        at += 1
    return list(dict.fromkeys(names))


def by_parts(table: SeriesTable, text: str) -> list[str]:
    """The series whose name parts all occur in the text: "tea in Bath" finds Bath/tea."""
    words = set(re.findall(r"[^\W_]+", text.casefold()))
    return [one for one in table.ids if (parts := re.findall(r"[^\W_]+", one.casefold())) and words.issuperset(parts)]


def _forms(said: str) -> tuple[str, ...]:
    bare = said.strip(_TRIM)
    return said, bare, bare.removesuffix("'s").removesuffix("’s")
