"""Answers in displayable form: text split at its facts, and a card for each fact."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from frontend.core import words
from frontend.core.client import Json

_MARKUP = re.compile(r"\\([!-/:-@\[-`{-~])|(\*\*)")  # an escaped character, or a start or end of bold
_ITEM = re.compile(r"\s*[-*•]\s+")
_FACT_ID = re.compile(r"\bf\d{1,4}\b")
_PAGES = (
    ("monitoring/", "monitoring"), ("runs/", "accuracy"), ("data/", "data"), ("forecasts/", "portfolio"),
)  # fmt: skip


@dataclass(frozen=True)
class Piece:
    """A stretch of display text; `fact` is the id of the fact it states, or empty."""

    text: str
    fact: str = ""
    bold: bool = False


@dataclass(frozen=True)
class Block:
    """A paragraph, or a list item."""

    item: bool
    pieces: tuple[Piece, ...]


def pieces(explanation: str, spans: Sequence[Json]) -> list[Piece]:
    """The explanation split at its spans, with escapes and bold marks resolved; everything else stays verbatim.

    A span that does not fit the text is dropped, and its characters are treated as prose.
    """
    cut = list(_cut(explanation, spans))
    marks = sum(match[2] is not None for text, fact in cut if not fact for match in _MARKUP.finditer(text))
    shown, bold, left = [], False, marks - marks % 2  # an unpaired mark is text
    for text, fact in cut:
        if fact:
            shown.append(Piece(_MARKUP.sub(_unescaped, text), fact, bold))
            continue
        at, said = 0, ""
        for match in _MARKUP.finditer(text):
            said += text[at : match.start()]
            at = match.end()
            if match[1] is None and left:
                shown.append(Piece(said, bold=bold))
                said, bold, left = "", not bold, left - 1
            else:
                said += _unescaped(match)
        shown.append(Piece(said + text[at:], bold=bold))
    return [one for one in shown if one.text]


def blocks(explanation: str, spans: Sequence[Json]) -> list[Block]:
    """The pieces grouped into paragraphs, separated by empty lines, and list items, which begin with a dash."""
    made: list[Block] = []
    apart = True
    for line in _lines(pieces(explanation, spans)):
        said = "".join(one.text for one in line)
        if not said.strip():
            apart = True
        elif not line[0].fact and (mark := _ITEM.match(line[0].text)):
            made.append(Block(True, (Piece(line[0].text[mark.end() :], bold=line[0].bold), *line[1:])))
            apart = False
        elif apart or not made:
            made.append(Block(False, tuple(line)))
            apart = False
        else:
            made[-1] = Block(made[-1].item, (*made[-1].pieces, Piece(" "), *line))
    return made


def plain(explanation: str) -> str:
    """The explanation, or its beginning, as text without markup."""
    return _MARKUP.sub(lambda match: match[1] or "", explanation)


def passage(answer: Json) -> Json:
    """The parts of an answer that the browser needs: its blocks, and the cards of its facts by id."""
    facts = {one["id"]: one for one in answer["facts"]}
    return {
        "blocks": [asdict(one) for one in blocks(answer["explanation"], answer["spans"])],
        "cards": {name: card(one, facts) for name, one in facts.items()},
    }


def card(fact: Json, facts: dict[str, Json]) -> Json:
    """A fact in full: its label, its properties as rows, and the page that shows it."""
    rows = [
        ("Value", fact["text"]),
        ("Exactly", _exact(fact["value"])),
        ("Unit", fact["unit"]),
        ("About", ", ".join(fact["about"])),
        ("Period", period(fact["period"])),
        ("Source", fact["source"]),
        ("Calculated", _FACT_ID.sub(lambda match: _named(match[0], facts), fact["how"])),
    ]
    return {
        "label": fact["label"],
        "rows": [[name, value] for name, value in rows if value],
        "opens": f"Open {_title(page(fact))}" if page(fact) else "",
    }


def page(fact: Json) -> str:
    """The page that shows a fact: Forecast for a fact about a series, else that of its source; empty if none."""
    if fact["unique_id"]:
        return "forecast"
    return next((page for start, page in _PAGES if fact["source"].startswith(start)), "")


def period(stamps: str) -> str:
    """`2024-01-01/2024-01-07` as dates for people; anything that is not a date stays unchanged."""
    try:
        return " to ".join(dict.fromkeys(words.day(one) for one in stamps.split("/") if one))
    except ValueError:
        return stamps


def _cut(explanation: str, spans: Sequence[Json]) -> Iterator[tuple[str, str]]:
    at = 0
    for span in sorted(spans, key=lambda one: (one["start"], one["end"])):
        if not at <= span["start"] < span["end"] <= len(explanation):
            continue
        yield explanation[at : span["start"]], ""
        yield explanation[span["start"] : span["end"]], span["fact"]
        at = span["end"]
    yield explanation[at:], ""


def _lines(pieces: Sequence[Piece]) -> Iterator[list[Piece]]:
    """The pieces, line by line; a fact is never split."""
    line: list[Piece] = []
    for one in pieces:
        first, *others = [one.text] if one.fact else one.text.split("\n")
        line.append(Piece(first, one.fact, one.bold))
        for text in others:
            yield [piece for piece in line if piece.text] or [Piece("")]
            line = [Piece(text, bold=one.bold)]
    yield [piece for piece in line if piece.text] or [Piece("")]


def _unescaped(match: re.Match[str]) -> str:
    return match[1] or match[0]


def _exact(value: Any) -> str:
    """A number at full precision; dates and texts are empty, as they are already shown in full."""
    numbers = value if isinstance(value, list) else [value]
    if any(isinstance(one, bool) or not isinstance(one, int | float) for one in numbers):
        return ""
    return " to ".join(f"{one:,}" if isinstance(one, int) else f"{one:,.10g}" for one in numbers)


def _named(fact_id: str, facts: dict[str, Json]) -> str:
    """Name of a fact that another fact was derived from: its label if the answer contains it."""
    one = facts.get(fact_id)
    return f"{one['label']} ({one['text']})" if one else fact_id


def _title(page: str) -> str:
    return {"forecast": "the forecast of this series"}.get(page, f"the page {page.capitalize()}")
