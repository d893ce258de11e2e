"""Facts: the numbers, dates and names that an answer may hold, each with what it is about and where it comes from."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from backend.copilot.concepts import CONCEPTS, Concept, SubjectKind
from pipelines.tables.schema import FRACTION, is_share

MOST = 60  # facts of one tool's answer

Value = float | int | str | tuple[float, float] | None


@dataclass(frozen=True)
class Subject:
    """What a fact is about: a series, a model, a run, …"""

    kind: SubjectKind
    name: str


@dataclass(frozen=True)
class Fact:
    """`value` in `unit`; dates in ISO 8601 as the workspace writes them, None: not known. Shares and changes have the unit
    `fraction`, as has the error of a metric that is a share; only rendering makes percent of them.

    `of`: what it is about, nothing for the workspace; `period`: the dates that it covers; `source`: the file that it
    was read from; `how`: the facts that it was made of. `id` is given by the ledger.
    """

    concept: str
    value: Value
    unit: str = ""
    of: tuple[Subject, ...] = ()
    period: str = ""
    source: str = ""
    how: str = ""
    heading: str = ""  # of a quotation
    id: str = ""

    def __post_init__(self) -> None:
        if self.what.kind in ("share", "change"):  # KeyError for a concept that nobody has defined
            object.__setattr__(self, "unit", FRACTION)

    @property
    def what(self) -> Concept:
        return CONCEPTS[self.concept]

    @property
    def unique_id(self) -> str | None:
        """The series that it is about; None for more than one, or none."""
        names = [subject.name for subject in self.of if subject.kind == "series"]
        return names[0] if len(names) == 1 else None

    @property
    def names(self) -> Subject | None:
        """The subject that this fact is the name of."""
        return self.of[0] if len(self.of) == 1 and self.concept == self.of[0].kind else None


def unit_of(metric: str | None) -> str:
    """The unit of an error, nothing for a pure number or where it is the target's."""
    return FRACTION if is_share(metric or "") else ""


def name(kind: SubjectKind, called: str, source: str = "") -> Fact:
    """The name of a subject, so that a sentence can say it."""
    return Fact(kind, called, of=(Subject(kind, called),), source=source)


@dataclass
class Facts:
    """What a tool answers: facts, and a line on what they are or why there are none."""

    facts: list[Fact]
    note: str = ""


@dataclass
class Ledger:
    """All facts of one answer by their ids, in the order in which tools gave them."""

    _facts: dict[str, Fact] = field(default_factory=dict)
    _ids: dict[tuple[Any, ...], str] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Fact]:
        return iter(self._facts.values())

    def __len__(self) -> int:
        return len(self._facts)

    def get(self, fact_id: str) -> Fact | None:
        return self._facts.get(fact_id)

    def add(self, facts: Iterable[Fact]) -> list[Fact]:
        """The facts with their ids, behind the names of what they are about; a fact that is there already keeps its id."""
        added: dict[str, Fact] = {}
        for fact in facts:
            if fact.value is None:
                continue  # what is not known is not said
            for subject in fact.of:
                named = self._add(name(subject.kind, subject.name, fact.source))
                added.setdefault(named.id, named)
            one = self._add(fact)
            added[one.id] = one
        return list(added.values())

    def find(self, concept: str, *of: Subject) -> Fact | None:
        """The first fact of a concept about exactly these."""
        return next((one for one in self if one.concept == concept and set(of) == set(one.of)), None)

    def all(self, concept: str) -> list[Fact]:
        return [one for one in self if one.concept == concept]

    def subjects(self, kind: SubjectKind) -> Sequence[Subject]:
        """What facts are about, of one kind."""
        return list(dict.fromkeys(subject for one in self for subject in one.of if subject.kind == kind))

    def _add(self, fact: Fact) -> Fact:
        key = (fact.concept, fact.value, fact.unit, fact.of, fact.period, fact.how)
        if key in self._ids:
            return self._facts[self._ids[key]]
        new = replace(fact, id=f"f{len(self._facts) + 1}")
        self._facts[new.id] = new
        self._ids[key] = new.id
        return new
