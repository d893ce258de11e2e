"""Target of an answer: a question resolved against its workspace."""

from collections.abc import Generator
from dataclasses import dataclass

from backend.copilot.offline.prose import Call, Found, Missing
from backend.copilot.offline.question import Question
from pipelines.forecasting.read.series import SeriesTable

Plan = Generator[Call, Found, "str | Missing"]  # yields calls of tools, receives their results, returns the draft


@dataclass(frozen=True)
class About:
    """Target of an answer: `series` if any are meant, else the group with the attributes in `filters`, else the whole
    workspace.
    """

    question: Question
    series: tuple[str, ...]
    filters: dict[str, str]
    summed: bool  # whether values of the target can be summed over steps
    tools: frozenset[str]
    table: SeriesTable
    reads_project: bool  # whether the asker may read the documentation of the product

    @property
    def one(self) -> str | None:
        """The series, if exactly one is meant."""
        return self.series[0] if len(self.series) == 1 else None

    @property
    def text(self) -> str:
        return self.question.text

    @property
    def totals(self) -> str:
        """The verb for aggregating a forecast over steps."""
        return "totals" if self.summed else "averages"

    @property
    def who(self) -> str:
        """The template slot for the name of the target."""
        return "{series}" if self.series else "{group}" if self.filters else "the whole workspace"

    @property
    def scope(self) -> dict[str, object]:
        """The target as arguments of a tool."""
        if self.one:
            return {"unique_id": self.one}
        return {"filters": self.filters} if self.filters else {}

    @property
    def is_many(self) -> bool:
        """Whether more than one series is meant, too many for an answer about one."""
        asked = self.question
        return bool(asked.alike or asked.matching or len(self.series) > 1 or (asked.values and not self.series))


def which(about: About) -> Plan:
    """Plan for an ambiguous question: gives the number of matching series and examples, and asks to name one."""
    asked = about.question
    names = asked.alike or asked.matching or about.series
    if names:
        matches = yield Call("find_series", {"text": "\n".join(names[:3])[:1_000]})
    else:
        matches = yield Call("find_series", {"text": "", "filters": about.filters})
    examples = [f"{{{{{fact.id}}}}}" for fact in matches.all("series")[:3]]
    if not examples:
        return Missing("No series is called like that.")
    several = f"{examples[0]}" if len(examples) == 1 else f"{', '.join(examples[:-1])} or {examples[-1]}"
    if names and len(names) > 3:
        return f"Several series fit. Name the series that is meant, such as {several}."
    counted = matches.say("{n_found} match that.") if not names or len(names) == len(matches.all("series")) else ""
    return f"{counted or 'Several series fit.'} Name the series that is meant, such as {several}."
