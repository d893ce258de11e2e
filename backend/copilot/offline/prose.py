"""Sentences from facts: a template names concepts, and is skipped unless all its facts are known."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from backend.copilot.concepts import SubjectKind
from backend.copilot.facts import Fact, Subject

_SLOT = re.compile(r"\{([a-z_]+)(?::([a-z]+))?\}")


@dataclass(frozen=True)
class Call:
    """A step of a plan: a tool with its arguments."""

    tool: str
    arguments: Mapping[str, object]


def call(tool: str, **arguments: Any) -> Call:
    """Creates a call, leaving out arguments that are None."""
    return Call(tool, {name: value for name, value in arguments.items() if value is not None})


@dataclass(frozen=True)
class Missing:
    """End of a plan without an answer: a sentence that says what is missing."""

    why: str


@dataclass(frozen=True)
class Found:
    """The facts of a tool result, in order."""

    facts: tuple[Fact, ...] = ()
    note: str = ""

    def __iter__(self) -> Iterator[Fact]:
        return iter(self.facts)

    def __add__(self, other: "Found") -> "Found":
        return Found((*self.facts, *other.facts), self.note or other.note)

    def __contains__(self, concept: str) -> bool:
        return any(fact.concept == concept for fact in self)

    def one(self, concept: str) -> Fact | None:
        return next((fact for fact in self if fact.concept == concept), None)

    def number(self, concept: str) -> float | None:
        fact = self.one(concept)
        return float(fact.value) if fact and isinstance(fact.value, int | float) else None

    def about(self, *subjects: Subject) -> "Found":
        """The facts with exactly these subjects, and their names."""
        kept = [fact for fact in self if set(fact.of) == set(subjects) or (fact.names and fact.names in subjects)]
        return replace(self, facts=tuple(kept))

    def whole(self) -> "Found":
        """The facts about the whole workspace."""
        return replace(self, facts=tuple(fact for fact in self if not fact.of))

    def of_period(self, period: str) -> "Found":
        return replace(self, facts=tuple(fact for fact in self if fact.period == period))

    def subjects(self, kind: SubjectKind) -> list[Subject]:
        return list(dict.fromkeys(subject for fact in self for subject in fact.of if subject.kind == kind))

    def all(self, concept: str) -> list[Fact]:
        return [fact for fact in self if fact.concept == concept]

    def say(self, *templates: str) -> str:
        """The templates whose facts are all known, as sentences."""
        said = (self._fill(template) for template in templates)
        return " ".join(sentence for sentence in said if sentence)

    def _fill(self, template: str) -> str:
        parts, at = [], 0
        for slot in _SLOT.finditer(template):
            fact = self.one(slot[1])
            if fact is None:
                return ""
            parts += [template[at : slot.start()], placeholder(fact, slot[2] or "")]
            at = slot.end()
        return "".join([*parts, template[at:]])


def placeholder(fact: Fact, form: str = "") -> str:
    return f"{{{{{fact.id}{':' if form else ''}{form}}}}}"


def listed(items: Sequence[str], last: str = "and") -> str:
    """The items as `a, b and c`."""
    return f"{', '.join(items[:-1])} {last} {items[-1]}" if len(items) > 1 else "".join(items)
