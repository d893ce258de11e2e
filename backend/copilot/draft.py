"""Checks and renders drafts: prose with placeholders, sent only if every number, name and claim comes from a fact."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from backend.copilot import claims, numberwords, render
from backend.copilot.concepts import FORECAST, SubjectKind, Words
from backend.copilot.facts import Fact, Ledger, Subject

LONGEST = 4_000  # characters per draft

_PLACEHOLDER = re.compile(r"\{\{\s*(f\d{1,4})\s*(?::\s*([a-z]{1,10})\s*)?\}\}")
_LINK = re.compile(
    r"https?:|ftp:|data:|javascript:|mailto:|www\.|://|\]\s*\(|!\[|<\s*[a-z/!]|&[#a-z]+;|\w@\w|\[[^\]]*\]\s*[:\[]",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_CLAUSE = re.compile(r"[,;:()–—|]|\b(?:and|but|while|whereas|although|yet)\b", re.IGNORECASE)
_BLOCK = re.compile(r"\n\s*\n|\n(?=\s*[-•#>])")
_BESIDE = re.compile(r"[^\W_]+(?:'[a-z]+)?|\{")


class Refused(ValueError):
    """The draft cannot be sent. The message names the offending words and what to write instead."""


@dataclass(frozen=True)
class Span:
    """Position of a fact in the rendered text."""

    start: int
    end: int
    fact: str


@dataclass(frozen=True)
class Rendered:
    """Rendered markdown, with its facts in order of appearance."""

    text: str
    spans: tuple[Span, ...]
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class _Use:
    """A fact in a draft, with the prose of its clause and sentence. `left`, `right`: the adjacent words, empty at the
    edge of the clause, `{` for a placeholder.
    """

    fact: Fact
    form: str
    clause: str
    sentence: str
    left: str
    right: str


def render_draft(draft: str, ledger: Ledger, focus: Collection[Subject] = (), names: Collection[str] = ()) -> Rendered:
    """Renders a draft with the values of its facts; Refused if any content is not from a fact, or a fact is out of
    place.

    `focus`: subjects of the question, which a sentence need not name. `names`: all series names, casefolded; only facts
    may contain them, not prose.
    """
    prose = _PLACEHOLDER.sub("\0", draft)
    _check_prose(prose, names)
    for block in _BLOCK.split(draft):
        _check_block(block, ledger, focus)
    return _render(draft, ledger)


def check_prose(prose: str, names: Collection[str] = ()) -> None:
    """Raises Refused if a text without placeholders contains a number, a link or the name of a series."""
    _check_prose(prose, names)


def _check_prose(prose: str, names: Collection[str]) -> None:
    if not prose.strip():
        raise Refused("The answer is empty.")
    if len(prose) > LONGEST:
        raise Refused("The answer is too long. Say it in a few sentences.")
    if "{" in prose or "}" in prose:
        raise Refused("A placeholder is not written as {{f7}}, with the id of a fact.")
    if link := _LINK.search(numberwords.simplify(prose)) or _LINK.search(prose):
        raise Refused(f"The answer holds a link, a picture or HTML ('{link.group()}'). Write plain sentences.")
    if number := numberwords.find(prose.replace("\0", " ")):
        raise Refused(
            f"The answer says a number itself ('{number}'). Every number and date is a placeholder such as {{{{f7}}}}."
        )
    if name := _named(prose, names):
        raise Refused(f"The answer names the series '{name}' itself. Use the placeholder of its name.")


def _check_block(block: str, ledger: Ledger, focus: Collection[Subject]) -> None:
    """Checks a paragraph or list item: the subject of a fact must be the last subject of its kind that was named."""
    current: dict[SubjectKind, Subject] = {subject.kind: subject for subject in focus}
    before: list[Fact] = []  # facts of the block so far
    for sentence in _SENTENCE.split(block):
        uses = list(_uses(sentence, ledger))
        named = {use.fact.names for use in uses if use.fact.names}
        for use in uses:
            if use.fact.names:
                current[use.fact.names.kind] = use.fact.names
            else:
                beside = [other.fact for other in uses if other.clause is use.clause]
                _check_subjects(use, current, named, ledger)
                _check_words(use)
                _check_place(use)
                _check_rivals(use, beside, {*current.values(), *named}, ledger)
                _check_period(use.fact, beside, before, ledger)
            before.append(use.fact)
        _check_claims(sentence, uses)


def _uses(sentence: str, ledger: Ledger) -> Iterator[_Use]:
    edges = [0, *(clause.end() for clause in _CLAUSE.finditer(_masked(sentence))), len(sentence)]
    clauses = {end: _words_of(sentence[start:end]) for start, end in pairwise(edges)}
    prose = _words_of(sentence)
    for placeholder in _PLACEHOLDER.finditer(sentence):
        fact_id, form = placeholder.group(1), placeholder.group(2) or ""
        fact = ledger.get(fact_id)
        if fact is None:
            raise Refused(f"There is no fact {fact_id}. Use only ids that a tool gave.")
        try:
            render.text(fact, form)
        except ValueError as error:
            raise Refused(f"{fact_id}: {error}.") from None
        start = max(edge for edge in edges if edge <= placeholder.start())
        end = min(edge for edge in edges if edge >= placeholder.end())
        left, right = _neighbours(sentence[start : placeholder.start()], sentence[placeholder.end() : end])
        yield _Use(fact, form, clauses[end], prose, left, right)


def _neighbours(left: str, right: str) -> tuple[str, str]:
    """The last word on the left and the first word on the right."""
    before, after = (
        _BESIDE.findall(_PLACEHOLDER.sub("{", numberwords.simplify(side)).casefold()) for side in (left, right)
    )
    return before[-1] if before else "", after[0] if after else ""


def _check_subjects(use: _Use, current: dict[SubjectKind, Subject], named: set[Subject], ledger: Ledger) -> None:
    fact = use.fact
    for subject in fact.of:
        rivals = [other for other in fact.of if other.kind == subject.kind]
        if len(rivals) > 1:  # a comparison
            if not set(rivals) <= named:
                raise Refused(f"{fact.id} compares {_list(rivals, ledger)}. Name all of them in its sentence.")
        elif (now := current.get(subject.kind)) is None:
            if len(ledger.subjects(subject.kind)) > 1:
                raise Refused(f"{fact.id} is about {_list([subject], ledger)}. Name it before the fact.")
        elif now != subject:
            raise Refused(
                f"{fact.id} is about {_list([subject], ledger)}, but the sentence speaks of another {subject.kind}. Name it right before the fact."
            )

    kinds = {subject.kind for subject in fact.of}
    for subject in current.values():
        own = ledger.find(fact.concept, *fact.of, subject) if subject.kind not in kinds else None
        if own and own.value != fact.value and not _says(use.sentence, claims.WHOLE):
            raise Refused(
                f"{fact.id} is not about {_list([subject], ledger)}, of which the sentence speaks. Use {own.id}, or say 'the whole workspace'."
            )


def _check_place(use: _Use) -> None:
    """Raises Refused if the adjacent words call for a fact of another kind: a date after "on", a level before
    "interval".
    """
    fact, kind = use.fact, use.fact.what.kind
    if kind in claims.DATED:
        if (
            use.left
            and use.left not in claims.BEFORE_DATES
            and not (use.left in ("is", "was") and _says(use.clause, claims.DATES))
        ):
            raise Refused(
                f"{fact.id} is a date, and '{use.left}' stands before it. Write 'on', 'for', 'until', 'since' or 'from'."
            )
        if (kind == "period" and use.left == "on") or use.left in claims.NEVER_BEFORE.get(fact.concept, ()):
            raise Refused(f"'{use.left} {{{{{fact.id}}}}}' says something else: it is the {fact.what.label}.")
    elif kind == "level":
        if use.right not in claims.AFTER_LEVELS and use.left not in claims.BEFORE_LEVELS:
            raise Refused(f"{fact.id} is the level of an interval. Write 'the {{{{{fact.id}}}}} interval'.")
    elif kind == "rank":
        if use.right not in claims.RANKS and use.left not in claims.RANKS:
            raise Refused(f"{fact.id} is a place in a ranking. Write 'in {{{{{fact.id}}}}} place'.")
    elif kind in claims.NUMERIC:
        amount = kind not in ("count", "interval")
        if (
            use.left in claims.ONLY_DATES
            or (use.left == "for" and amount)
            or (kind == "interval" and use.left not in claims.BEFORE_INTERVALS)
            or (kind == "change" and not use.form and use.left in claims.AMOUNTS)
            or ((fact.concept == "horizon_step") != (use.right == "ahead"))
            or use.right in (*claims.AFTER_LEVELS, *claims.RANKS)
            or (use.form != "moves" and use.left in claims.NO_VERB)
        ):
            raise Refused(
                f"{fact.id} is the {fact.what.label}: '{use.left} {{{{{fact.id}}}}} {use.right}' says something else."
            )


def _check_rivals(use: _Use, beside: list[Fact], current: set[Subject], ledger: Ledger) -> None:
    """Raises Refused if the words of the clause describe another fact about the same subject better."""
    fact = use.fact
    family, told = _family(fact), _told(fact, use.clause)
    most = max(
        (_told(one, use.clause) for one in beside if _family(one) == "number" and one.what.kind != "level"), default=0
    )
    for other in ledger:
        if other.concept == fact.concept or other in beside or other.value == fact.value or other.names:
            continue
        if set(other.of) != set(fact.of) and (told or not set(other.of) <= current):
            continue
        if _family(other) != family and (told or _family(other) != "number"):
            continue
        if all(_says(use.clause, group) for group in other.what.says) and _told(other, use.clause) > max(
            told, 0 if family == "number" else most
        ):
            raise Refused(
                f"The clause of {fact.id} says what {other.id} is: the {other.what.label}. {fact.id} is the {fact.what.label}."
            )


def _check_period(fact: Fact, beside: list[Fact], before: list[Fact], ledger: Ledger) -> None:
    """Raises Refused if facts for several periods exist, and the text names the period of another one, or none."""
    if (fact.what.kind not in claims.NUMERIC and fact.what.kind != "quote") or fact.what.kind == "level":
        return
    others = {
        other.period
        for other in ledger
        if other.concept == fact.concept
        and other.of == fact.of
        and other.period != fact.period
        and other.value != fact.value
    }
    if not others:
        return
    for named in (*beside, *reversed(before)):
        if named.what.kind in claims.NAMES_A_PERIOD or named.concept == "horizon_step":
            if fact.period in (named.period, str(named.value)):
                return
            if others & {named.period, str(named.value)}:
                break
    raise Refused(
        f"{fact.id} is of {fact.period}, and there are such facts of other times or levels too. Name the right one in its clause."
    )


def _family(fact: Fact) -> str:
    return (
        "number" if fact.what.kind in claims.NUMERIC else "date" if fact.what.kind in claims.DATED else fact.what.kind
    )


def _told(fact: Fact, clause: str) -> int:
    """The number of word groups of the fact that the clause contains, not counting the words for a forecast."""
    return sum(_says(clause, group) for group in fact.what.says if group is not FORECAST)


def _check_words(use: _Use) -> None:
    fact = use.fact
    unit = _words_of(fact.unit)
    for group in fact.what.says:
        if not _says(use.clause, group) and not _says(unit, group):
            raise Refused(
                f"{fact.id} is the {fact.what.label}; its clause must say so, with one of: {', '.join(group[:8])}."
            )
    if fact.what.kind in render.SIGNED and isinstance(fact.value, int | float):
        up, down = _says(use.clause, claims.MORE), _says(use.clause, claims.LESS)
        if _says(use.clause, claims.NOT):
            raise Refused(f"{fact.id} is denied by a word such as 'not' in its clause. Say what it is.")
        if use.form == "by" and up == down:
            raise Refused(
                f"{fact.id}:by has no sign, so its clause must say either 'rises' or 'falls'. Or write {fact.id}:moves."
            )
        if (up and not down and fact.value < 0) or (down and not up and fact.value > 0):
            raise Refused(f"{fact.id} goes the other way than the words of its clause. Write {{{{{fact.id}:moves}}}}.")
    if fact.concept == "skill" and isinstance(fact.value, int | float):
        good, bad = _says(use.sentence, claims.BETTER), _says(use.sentence, claims.WORSE)
        if (good and fact.value <= 0) or (bad and fact.value >= 0) or ((good or bad) and _says(use.clause, claims.NOT)):
            raise Refused(
                f"{fact.id} goes the other way than the words of its clause: positive is better than the baseline."
            )


def _check_claims(sentence: str, uses: list[_Use]) -> None:
    prose = _words_of(sentence)
    supported = {word for use in uses for group in use.fact.what.says for word in group}
    supported |= {
        word for use in uses if use.fact.concept == "rank" and use.fact.value == 1 for word in _first(use.fact)
    }
    for claim in (*claims.CLAIMS, *claims.BETTER[:-1], *claims.WORSE):
        if _says(prose, (claim,)) and claim not in supported:
            raise Refused(
                f"'{claim}' is a claim without its fact. Put the fact into the sentence, or leave the word out."
            )
    signs = [
        one for use in uses if use.fact.what.kind in render.SIGNED and isinstance(one := use.fact.value, int | float)
    ]
    for words, sign in ((claims.UP, 1), (claims.DOWN, -1)):
        if _says(prose, words) and not any(sign * value >= 0 for value in signs):
            raise Refused("The sentence says that something went up or down without the fact that says so.")


def _first(rank: Fact) -> Words:
    """Superlatives allowed for the first in a ranking."""
    order = rank.period.partition(" ")[0]
    return (*claims.FIRST.get(order, ()), *claims.FIRST.get(rank.period, ()))


def _render(draft: str, ledger: Ledger) -> Rendered:
    parts: list[str] = []
    spans: list[Span] = []
    facts: dict[str, Fact] = {}
    at = length = 0
    for placeholder in _PLACEHOLDER.finditer(draft):
        fact = ledger.get(placeholder.group(1))
        if fact is None:
            raise Refused(f"There is no fact {placeholder.group(1)}.")
        prose, written = draft[at : placeholder.start()], render.markdown(fact, placeholder.group(2) or "")
        parts += [prose, written]
        start = length + len(prose)
        length = start + len(written)
        spans.append(Span(start, length, fact.id))
        facts.setdefault(fact.id, fact)
        at = placeholder.end()
    parts.append(draft[at:])
    return Rendered("".join(parts), tuple(spans), tuple(facts.values()))


def _masked(sentence: str) -> str:
    """The sentence with its placeholders blanked, so that their content is not taken for prose."""
    return _PLACEHOLDER.sub(lambda placeholder: " " * len(placeholder.group()), sentence)


def _words_of(prose: str) -> str:
    """The words only, casefolded and separated by single spaces, with a space at either end."""
    words = re.findall(r"[^\W_]+(?:'[a-z]+)?", numberwords.simplify(_PLACEHOLDER.sub(" ", prose)).casefold())
    return f" {' '.join(words)} "


def _says(words: str, group: Words) -> bool:
    return any(f" {one} " in words for one in group)


def _named(prose: str, names: Collection[str]) -> str | None:
    """A series name of up to six words that the prose contains, or None."""
    if not names:
        return None
    words = numberwords.simplify(prose).casefold().split()
    for size in range(1, 7):
        for start in range(len(words) - size + 1):
            said = " ".join(words[start : start + size])
            for form in (said, said.strip(".,;:!?()'\"“”‘’"), said.strip(".,;:!?()'\"“”‘’").removesuffix("'s")):
                if form in names:
                    return form
    return None


@lru_cache(maxsize=8)
def casefolded(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(" ".join(numberwords.simplify(name).casefold().split()) for name in names)


def _list(subjects: list[Subject], ledger: Ledger) -> str:
    """The subjects by the IDs of their name facts, which the model may see."""
    named = [ledger.find(subject.kind, subject) for subject in subjects]
    return " and ".join(f"the {one.concept} {one.id}" if one else "something else" for one in named)
