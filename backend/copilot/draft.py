"""A draft is prose with placeholders; it is rendered only if every number, name and claim in it comes from a fact."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache

from backend.copilot import numberwords, render
from backend.copilot.concepts import SubjectKind, Words
from backend.copilot.facts import Fact, Ledger, Subject

LONGEST = 4_000  # characters of a draft

_PLACEHOLDER = re.compile(r"\{\{\s*(f\d{1,4})\s*(?::\s*([a-z]{1,10})\s*)?\}\}")
_LINK = re.compile(r"https?:|ftp:|data:|javascript:|mailto:|www\.|://|\]\s*\(|!\[|<\s*[a-z/!]|&[#a-z]+;|\w@\w|\[[^\]]*\]\s*[:\[]", re.IGNORECASE)  # fmt: skip
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_CLAUSE = re.compile(r"[,;:()–—|]|\b(?:and|but|while|whereas|although|yet)\b", re.IGNORECASE)
_BLOCK = re.compile(r"\n\s*\n|\n(?=\s*[-•#>])")

_UP: Words = ("rise", "rises", "rose", "risen", "rising", "increase", "increases", "increased", "increasing", "grow", "grows", "grew", "grown", "growing", "growth", "climb", "climbs", "climbed", "jump", "jumps", "jumped", "surge", "surges", "surged", "soar", "soars", "gain", "gains", "gained", "higher", "up")  # fmt: skip
_DOWN: Words = ("fall", "falls", "fell", "fallen", "falling", "decrease", "decreases", "decreased", "decreasing", "drop", "drops", "dropped", "dropping", "decline", "declines", "declined", "declining", "shrink", "shrinks", "shrank", "sink", "sinks", "sank", "plunge", "plunges", "plunged", "loses", "lost", "lower", "down")  # fmt: skip
_MORE: Words = (*_UP, "more", "above", "over")
_LESS: Words = (*_DOWN, "less", "fewer", "below", "under")
# What a sentence may claim only beside a fact that is about it.
_CLAIMS: Words = ("worst", "best", "largest", "biggest", "highest", "lowest", "smallest", "strongest", "weakest", "peak", "peaks", "maximum", "minimum", "trough")  # fmt: skip


class Refused(ValueError):
    """The draft cannot be sent: says which words, and what to write in their place."""


@dataclass(frozen=True)
class Span:
    """Where a fact stands in the rendered text."""

    start: int
    end: int
    fact: str


@dataclass(frozen=True)
class Rendered:
    """Markdown, and the facts in it in the order in which they stand."""

    text: str
    spans: tuple[Span, ...]
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class _Use:
    """A fact in a draft, with the prose of its clause and of its sentence."""

    fact: Fact
    form: str
    clause: str
    sentence: str


def render_draft(draft: str, ledger: Ledger, focus: Collection[Subject] = (), names: Collection[str] = ()) -> Rendered:
    """The text with its facts written out; Refused if anything in it is not from a fact, or a fact is out of place.

    `focus`: what the question is about, which a sentence may speak of without naming it. `names`: all series, casefolded:
    prose may not name one, only a fact may.
    """
    prose = _PLACEHOLDER.sub("\0", draft)
    _check_prose(prose, names)
    for block in _BLOCK.split(draft):
        _check_block(block, ledger, focus)
    return _render(draft, ledger)


def check_prose(prose: str, names: Collection[str] = ()) -> None:
    """Refused if a text without placeholders holds a number, a link or the name of a series."""
    _check_prose(prose, names)


def _check_prose(prose: str, names: Collection[str]) -> None:
    if not prose.strip():
        raise Refused("The answer is empty.")
    if len(prose) > LONGEST:
        raise Refused("The answer is too long. Say it in a few sentences.")
    if "{" in prose or "}" in prose:
        raise Refused("A placeholder is not written as {{f7}}, with the id of a fact.")
    if found := _LINK.search(numberwords.simplify(prose)) or _LINK.search(prose):
        raise Refused(f"The answer holds a link, a picture or HTML ('{found.group()}'). Write plain sentences.")
    if number := numberwords.find(prose.replace("\0", " ")):
        raise Refused(f"The answer says a number itself ('{number}'). Every number and date is a placeholder such as {{{{f7}}}}.")  # fmt: skip
    if name := _named(prose, names):
        raise Refused(f"The answer names the series '{name}' itself. Use the placeholder of its name.")


def _check_block(block: str, ledger: Ledger, focus: Collection[Subject]) -> None:
    """A paragraph or an item of a list: whom a fact is about must have been named, and named last."""
    current: dict[SubjectKind, Subject] = {subject.kind: subject for subject in focus}
    for sentence in _SENTENCE.split(block):
        uses = list(_uses(sentence, ledger))
        named = {use.fact.names for use in uses if use.fact.names}
        for use in uses:
            if use.fact.names:
                current[use.fact.names.kind] = use.fact.names
            else:
                _check_subjects(use.fact, current, named, ledger)
                _check_words(use)
        _check_claims(sentence, uses)


def _uses(sentence: str, ledger: Ledger) -> Iterator[_Use]:
    edges = [0, *(found.end() for found in _CLAUSE.finditer(_masked(sentence))), len(sentence)]
    prose = _words_of(sentence)
    for found in _PLACEHOLDER.finditer(sentence):
        fact_id, form = found.group(1), found.group(2) or ""
        fact = ledger.get(fact_id)
        if fact is None:
            raise Refused(f"There is no fact {fact_id}. Use only ids that a tool gave.")
        try:
            render.text(fact, form)
        except ValueError as error:
            raise Refused(f"{fact_id}: {error}.") from None
        start = max(edge for edge in edges if edge <= found.start())
        end = min(edge for edge in edges if edge >= found.end())
        yield _Use(fact, form, _words_of(sentence[start:end]), prose)


def _check_subjects(fact: Fact, current: dict[SubjectKind, Subject], named: set[Subject], ledger: Ledger) -> None:
    for subject in fact.of:
        rivals = [other for other in fact.of if other.kind == subject.kind]
        if len(rivals) > 1:  # a comparison
            if not set(rivals) <= named:
                raise Refused(f"{fact.id} compares {_list(rivals, ledger)}. Name all of them in its sentence.")
        elif (now := current.get(subject.kind)) is None:
            if len(ledger.subjects(subject.kind)) > 1:
                raise Refused(f"{fact.id} is about {_list([subject], ledger)}. Name it before the fact.")
        elif now != subject:
            raise Refused(f"{fact.id} is about {_list([subject], ledger)}, but the sentence speaks of another {subject.kind}. Name it right before the fact.")  # fmt: skip


def _check_words(use: _Use) -> None:
    fact = use.fact
    for group in fact.what.says:
        if not _says(use.clause, group):
            raise Refused(f"{fact.id} is the {fact.what.label}; its clause must say so, with one of: {', '.join(group[:8])}.")  # fmt: skip
    if fact.what.kind in render.SIGNED and isinstance(fact.value, int | float):
        up, down = _says(use.clause, _MORE), _says(use.clause, _LESS)
        if use.form == "by" and up == down:
            raise Refused(f"{fact.id}:by has no sign, so its clause must say either 'rises' or 'falls'. Or write {fact.id}:moves.")  # fmt: skip
        if (up and not down and fact.value < 0) or (down and not up and fact.value > 0):
            raise Refused(f"{fact.id} goes the other way than the words of its clause. Write {{{{{fact.id}:moves}}}}.")


def _check_claims(sentence: str, uses: list[_Use]) -> None:
    prose = _words_of(sentence)
    supported = {word for use in uses for group in use.fact.what.says for word in group}
    for claim in _CLAIMS:
        if _says(prose, (claim,)) and claim not in supported:
            raise Refused(f"'{claim}' is a claim without its fact. Put the fact into the sentence, or leave the word out.")  # fmt: skip
    signs = [
        one for use in uses if use.fact.what.kind in render.SIGNED and isinstance(one := use.fact.value, int | float)
    ]
    for words, sign in ((_UP, 1), (_DOWN, -1)):
        if _says(prose, words) and not any(sign * value >= 0 for value in signs):
            raise Refused("The sentence says that something went up or down without the fact that says so.")


def _render(draft: str, ledger: Ledger) -> Rendered:
    parts: list[str] = []
    spans: list[Span] = []
    facts: dict[str, Fact] = {}
    at = length = 0
    for found in _PLACEHOLDER.finditer(draft):
        fact = ledger.get(found.group(1))
        if fact is None:
            raise Refused(f"There is no fact {found.group(1)}.")
        prose, written = draft[at : found.start()], render.markdown(fact, found.group(2) or "")
        parts += [prose, written]
        start = length + len(prose)
        length = start + len(written)
        spans.append(Span(start, length, fact.id))
        facts.setdefault(fact.id, fact)
        at = found.end()
    parts.append(draft[at:])
    return Rendered("".join(parts), tuple(spans), tuple(facts.values()))


def _masked(sentence: str) -> str:
    """The sentence with its placeholders blanked, so that nothing in them looks like prose."""
    return _PLACEHOLDER.sub(lambda found: " " * len(found.group()), sentence)


def _words_of(prose: str) -> str:
    """The words alone, in small letters with a space at either end."""
    words = re.findall(r"[^\W_]+(?:'[a-z]+)?", numberwords.simplify(_PLACEHOLDER.sub(" ", prose)).casefold())
    return f" {' '.join(words)} "


def _says(words: str, group: Words) -> bool:
    return any(f" {one} " in words for one in group)


def _named(prose: str, names: Collection[str]) -> str | None:
    """A series that the prose names, of up to six words."""
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
    """The subjects by the ids of their names: what the model may be told."""
    named = [ledger.find(subject.kind, subject) for subject in subjects]
    return " and ".join(f"the {one.concept} {one.id}" if one else "something else" for one in named)
