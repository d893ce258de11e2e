"""Facts: the numbers, dates and names that an answer may contain, each with its subject and source."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from backend.copilot.concepts import CONCEPTS, Concept, SubjectKind
from pipelines.tables.schema import FRACTION, is_share

MOST = 60  # facts per tool result

Value = float | int | str | tuple[float, float] | None


@dataclass(frozen=True)
class Subject:
    """Subject of a fact: a series, a model, a run, …"""

    kind: SubjectKind
    name: str


@dataclass(frozen=True)
class Fact:
    """One value with its unit; dates in ISO 8601 as the workspace writes them; None if unknown. Shares, changes and
    errors in a metric that is a share have the unit `fraction`; only rendering converts them to percent.

    `of`: the subjects, empty for the workspace; `period`: the dates covered; `source`: the file it was read from;
    `how`: the facts it was computed from. The ledger assigns `id`.
    """

    concept: str
    value: Value
    unit: str = ""
    of: tuple[Subject, ...] = ()
    period: str = ""
    source: str = ""
    how: str = ""
    heading: str = ""  # of a quoted section
    id: str = ""

    def __post_init__(self) -> None:
        if self.what.kind in ("share", "change"):  # KeyError for an undefined concept
            object.__setattr__(self, "unit", FRACTION)

    @property
    def what(self) -> Concept:
        return CONCEPTS[self.concept]

    @property
    def unique_id(self) -> str | None:
        """The series that the fact is about; None if it is about several or none."""
        names = [subject.name for subject in self.of if subject.kind == "series"]
        return names[0] if len(names) == 1 else None

    @property
    def names(self) -> Subject | None:
        """The subject that this fact names."""
        return self.of[0] if len(self.of) == 1 and self.concept == self.of[0].kind else None


def unit_of(metric: str | None) -> str:
    """The unit of an error; empty for a pure number or an error in the unit of the target."""
    return FRACTION if is_share(metric or "") else ""


def name(kind: SubjectKind, called: str, source: str = "") -> Fact:
    """The fact with the name of a subject, so that a sentence can mention it."""
    return Fact(kind, called, of=(Subject(kind, called),), source=source)


@dataclass
class Facts:
    """Result of a tool: facts, and a note that explains them or why there are none."""

    facts: list[Fact]
    note: str = ""


@dataclass
class Ledger:
    """All facts of one answer by ID, in the order in which tools returned them."""

    _facts: dict[str, Fact] = field(default_factory=dict)
    _ids: dict[tuple[Any, ...], str] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Fact]:
        return iter(self._facts.values())

    def __len__(self) -> int:
        return len(self._facts)

    def get(self, fact_id: str) -> Fact | None:
        return self._facts.get(fact_id)

    def add(self, facts: Iterable[Fact]) -> list[Fact]:
        """Adds facts, each after the names of its subjects, and returns them with IDs; known facts keep their ID."""
        added: dict[str, Fact] = {}
        for fact in facts:
            if fact.value is None:
                continue  # unknown values are left out
            for subject in fact.of:
                named = self._add(name(subject.kind, subject.name, fact.source))
                added.setdefault(named.id, named)
            one = self._add(fact)
            added[one.id] = one
        return list(added.values())

    def find(self, concept: str, *of: Subject) -> Fact | None:
        """The first fact of a concept with exactly these subjects."""
        return next((one for one in self if one.concept == concept and set(of) == set(one.of)), None)

    def all(self, concept: str) -> list[Fact]:
        return [one for one in self if one.concept == concept]

    def subjects(self, kind: SubjectKind) -> Sequence[Subject]:
        """The subjects of one kind that facts are about."""
        return list(dict.fromkeys(subject for one in self for subject in one.of if subject.kind == kind))

    def _add(self, fact: Fact) -> Fact:
        key = (fact.concept, fact.value, fact.unit, fact.of, fact.period, fact.how)
        if key in self._ids:
            return self._facts[self._ids[key]]
        new = replace(fact, id=f"f{len(self._facts) + 1}")
        self._facts[new.id] = new
        self._ids[key] = new.id
        return new
