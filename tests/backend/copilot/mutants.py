"""Wrong drafts made of right ones: each says something that its facts do not."""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass

from backend.copilot import render
from backend.copilot.facts import Fact, Ledger, Subject

PLACEHOLDER = re.compile(r"\{\{(f\d+)(?::([a-z]+))?\}\}")
NUMERIC = (
    "quantity",
    "change",
    "difference",
    "share",
    "number",
    "count",
    "interval",
    "level",
    "rank",
    "date",
    "period",
)
_DIGITS = ("42", "1,234", "٤٢", "４２", "²", "¾", "Ⅷ", "1e3", "7 %", "0.5")
_WORDS = (
    "forty-two",
    "twelve",
    "half",
    "doubled",
    "tripled",
    "a dozen",
    "zweihundert",
    "drei",
    "vingt",
    "siete",
    "dodici",
    "percent",
    "twice",
    "t w e l v e",
    "twe\u200blve",
    "tw\u00adelve",
    "tw*el*ve",
    "tẃelve",
    "тen",
)
_LINKS = (
    "![x](http://a.example/b.png)",
    "[more](https://a.example)",
    "<img src=x>",
    "https://a.example",
    "www.a.example",
    "javascript:x",
    "[a]: b",
)
_CLAIMS = (
    "It is the highest.",
    "That is the worst of all.",
    "It has grown.",
    "Sales fell.",
    "This is the best.",
    "It surged.",
    "It is much better than before.",
    "That is the largest.",
)
_OPPOSITE = {
    "rises": "falls",
    "falls": "rises",
    "highest": "lowest",
    "lowest": "highest",
    "largest": "smallest",
    "smallest": "largest",
    "worst": "best",
    "best": "worst",
    "more": "less",
    "less": "more",
    "better": "worse",
    "worse": "better",
    "peaks": "troughs",
    "peak": "trough",
}


@dataclass(frozen=True)
class Mutant:
    """`how` it was made of a draft."""

    text: str
    how: str


def of(text: str, ledger: Ledger, focus: tuple[Subject, ...], seed: int) -> Iterator[Mutant]:
    """Many wrong drafts; each would show a number, name or claim that is not true, or that no fact holds."""
    rng = random.Random(seed)
    yield from _swapped(text, ledger, rng)
    yield from _inserted(text, rng)
    yield from _turned(text, ledger)
    yield from _named(text, ledger)


def _swapped(text: str, ledger: Ledger, rng: random.Random) -> Iterator[Mutant]:
    """Another fact in the place of one, of the same series or of another, where it shows something else."""
    for slot in PLACEHOLDER.finditer(text):
        fact, form = ledger.get(slot[1]), slot[2] or ""
        if fact is None or fact.what.kind not in NUMERIC:
            continue
        others = [one for one in ledger if one.what.kind in NUMERIC and _shows_other(fact, one, form)]
        for other in rng.sample(others, min(6, len(others))):
            kept = form if other.what.kind in render.SIGNED else ""
            new = f"{{{{{other.id}{':' if kept else ''}{kept}}}}}"
            yield Mutant(
                f"{text[: slot.start()]}{new}{text[slot.end() :]}",
                f"{fact.concept} of {_names(fact)} -> {other.concept} of {_names(other)}",
            )


def _shows_other(fact: Fact, other: Fact, form: str) -> bool:
    """Whether a reader would read another number; a list of the same concept may hold it as well."""
    form = form if other.what.kind in render.SIGNED and fact.what.kind in render.SIGNED else ""
    if fact.concept == "forecast_period" and other.what.kind == "count":
        return False  # what is forecast "for all series", or "for so many steps", is so
    return other.id != fact.id and render.text(fact, form) != render.text(other, form)


def _inserted(text: str, rng: random.Random) -> Iterator[Mutant]:
    """Digits, number words, links and claims in the prose."""
    ends = [found.end() for found in PLACEHOLDER.finditer(text)] or [len(text)]
    for what, how in (
        [(one, "digit") for one in _DIGITS] + [(one, "word") for one in _WORDS] + [(one, "link") for one in _LINKS]
    ):
        at = rng.choice(ends)
        yield Mutant(f"{text[:at]} {what}{text[at:]}", f"{how} {what!r}")
    slots = list(PLACEHOLDER.finditer(text))
    if slots:
        slot = rng.choice(slots)
        for what in rng.sample(_DIGITS + _WORDS, 6):
            yield Mutant(f"{text[: slot.start()]}{what}{text[slot.end() :]}", f"{what!r} in place of a fact")
        yield Mutant(f"{text[: slot.start()]}{{{{f9999}}}}{text[slot.end() :]}", "unknown fact")
    for claim in _CLAIMS:
        yield Mutant(
            f"{text.rstrip()} {claim}" if not text.rstrip().endswith("-") else f"{text}\n\n{claim}", f"claim {claim!r}"
        )


def _turned(text: str, ledger: Ledger) -> Iterator[Mutant]:
    """Directions and superlatives turned round, in words and around facts."""
    for word, opposite in _OPPOSITE.items():
        for found in re.finditer(rf"\b{word}\b", text):
            yield Mutant(f"{text[: found.start()]}{opposite}{text[found.end() :]}", f"{word} -> {opposite}")
    for slot in PLACEHOLDER.finditer(text):
        fact = ledger.get(slot[1])
        if fact is not None and fact.what.kind in render.SIGNED and isinstance(fact.value, int | float) and fact.value:
            wrong = "falls by" if fact.value > 0 else "rises by"
            yield Mutant(
                f"{text[: slot.start()]}{wrong} {{{{{fact.id}:by}}}}{text[slot.end() :]}", f"{fact.concept} {wrong}"
            )
            yield Mutant(
                f"{text[: slot.start()]}does not {{{{{fact.id}:moves}}}}{text[slot.end() :]}", f"{fact.concept} denied"
            )


def _named(text: str, ledger: Ledger) -> Iterator[Mutant]:
    """The name of another series, group or model in front of the facts of one."""
    for slot in PLACEHOLDER.finditer(text):
        fact = ledger.get(slot[1])
        if fact is None or fact.names is None:
            continue
        for other in [one for one in ledger if one.names and one.concept == fact.concept and one.id != fact.id][:3]:
            if _is_followed(text[slot.end() :], ledger, fact.names):
                yield Mutant(
                    f"{text[: slot.start()]}{{{{{other.id}}}}}{text[slot.end() :]}",
                    f"name {fact.value} -> {other.value}",
                )


def _is_followed(rest: str, ledger: Ledger, named: Subject) -> bool:
    """Whether the next fact is one about the name, so that another name would be a lie about it."""
    slot = PLACEHOLDER.search(rest.split("\n")[0])
    fact = ledger.get(slot[1]) if slot else None
    return fact is not None and fact.names is None and named in fact.of and fact.what.kind in NUMERIC


def _names(fact: Fact) -> str:
    return "/".join(subject.name for subject in fact.of) or "all"
