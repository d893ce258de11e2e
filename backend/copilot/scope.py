"""Context of a tool call: one workspace to read, and the ledger of the answer in progress."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from backend.copilot.facts import Fact, Ledger, Subject
from backend.core.catalog import Published, Run, WorkspaceReader
from backend.core.errors import Problem
from backend.core.keys import ANONYMOUS, Key
from backend.knowledge.knowledge import Knowledge
from pipelines.core.errors import did_you_mean
from pipelines.forecasting.read.series import SeriesTable

T = TypeVar("T")

MOST_SERIES = 10  # per call of a tool


class CannotTell(Exception):
    """A tool has no answer. The message says what is missing or which name to use; its only data are names."""


@dataclass
class Scope:
    """Context of one question about one workspace. `focus`: the series on screen, if any."""

    data: WorkspaceReader
    knowledge: Knowledge
    ledger: Ledger = field(default_factory=Ledger)
    asker: Key = ANONYMOUS
    focus: str | None = None
    tell: Callable[[str], None] = lambda tool: None  # called with the name of each tool
    names: frozenset[str] = frozenset()  # all series names, casefolded, which prose may not contain

    @property
    def workspace(self) -> str:
        return self.data.name

    @cached_property
    def subject(self) -> tuple[Subject, ...]:
        return (Subject("series", self.focus),) if self.focus else ()

    async def published(self) -> Published:
        """The published forecasts; CannotTell if there are none."""
        return await _or_cannot(self.data.published())

    async def run(self, run_id: str | None = None) -> Run:
        """The finished run with this ID, or the production run."""
        if run_id is None:
            return await _or_cannot(self.data.aliased())
        return await _or_cannot(self.data.run(run_id))

    async def series(self) -> SeriesTable:
        return await _or_cannot(self.data.series())

    async def unit(self) -> str:
        """The unit of the target."""
        return (await self.run()).settings.target.unit

    async def which(self, given: str | None) -> str:
        """The series for a name, the ID of a fact that names it, or None (the one on screen)."""
        table = await self.series()
        wanted = given or self.focus
        if wanted is None:
            raise CannotTell("No series is named. Call find_series first, or name one.")
        if (fact := self.ledger.get(wanted)) and fact.unique_id:
            wanted = fact.unique_id
        if wanted in table:
            return wanted
        same: str | None = table.by_name.get(wanted.casefold())
        if same is not None:
            return same
        near = did_you_mean(wanted, table.ids) if len(table.ids) <= 5_000 else ""
        raise CannotTell(f"The workspace has no such series{near}. Call find_series with a part of its name.")

    async def which_of(self, given: Sequence[str]) -> list[str]:
        """Several series, without duplicates."""
        if len(given) > MOST_SERIES:
            raise CannotTell(f"That are too many series for one call; at most {MOST_SERIES}.")
        return list(dict.fromkeys([await self.which(one) for one in given]))

    def fact(self, fact_id: str) -> Fact:
        fact = self.ledger.get(fact_id)
        if fact is None:
            raise CannotTell(f"There is no fact {fact_id}. Use an id that a tool gave.")
        return fact


async def _or_cannot(asked: Awaitable[T]) -> T:
    """Awaits a result of the catalog, and turns its problem into CannotTell."""
    try:
        return await asked
    except Problem as problem:
        raise CannotTell(str(problem.detail)) from None


def series(unique_id: str) -> tuple[Subject, ...]:
    return (Subject("series", unique_id),)
