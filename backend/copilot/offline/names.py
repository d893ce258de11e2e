"""Names in a question, as people write them: series, parts of their names, attributes, attribute values, models,
metrics.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from backend.copilot import numberwords
from backend.copilot.offline import vocabulary
from pipelines.forecasting.read.series import Positions, SeriesTable
from pipelines.forecasting.records import Settings

Kind = Literal["series", "part", "value", "attribute", "model", "metric", "column", "unit"]
METRICS = ("mae", "rmse", "mape", "smape", "wape", "mase", "rmsse", "msis", "pinball")
_WORD = re.compile(r"[^\W_]+")
_MOST_PARTS = 20_000  # name words that are searched for a typo
_RANK: tuple[Kind, ...] = ("series", "value", "part", "attribute", "model", "metric", "column", "unit")


@dataclass(frozen=True)
class Name:
    """A name. `called`: as the workspace writes it; `of`: the attribute of a value; `rows`: the series that contain a
    name part.
    """

    kind: Kind
    called: str
    of: str = ""
    rows: Positions | None = field(default=None, compare=False, hash=False)


@dataclass(frozen=True)
class Mention:
    """Names that a part of the text may refer to, all of the same kind."""

    names: tuple[Name, ...]
    start: int
    end: int

    @property
    def kind(self) -> Kind:
        return self.names[0].kind


class Names:
    """All names, indexed by their words; built once per version of the table."""

    def __init__(self, table: SeriesTable, settings: Settings, models: Collection[str]) -> None:
        self.table = table
        self._by_words: dict[tuple[str, ...], list[Name]] = {}
        parts: dict[tuple[str, ...], tuple[str, list[int]]] = {}
        for row, name in enumerate(table.ids):
            self._add("series", name)
            for part in name.split("/") if "/" in name else ():
                if words := tuple(_WORD.findall(fold(part))):
                    parts.setdefault(words, (part, []))[1].append(row)
        for words, (part, rows) in parts.items():
            self._by_words.setdefault(words, []).append(Name("part", part, rows=np.array(rows)))
        for attribute in (*table.attributes, "demand_class"):
            self._add("attribute", attribute)
            for value in table.values(attribute):
                if value:
                    self._add("value", value, of=attribute)
                    self._add("value", value, of=attribute, said=f"{attribute} {value}")
        for model in (*table.values("model"), *models):
            self._add("model", model)
        for metric in METRICS:
            self._add("metric", metric)
        for column in settings.covariates.varying:
            self._add("column", column)
        self._add("unit", settings.target.unit)
        self._add("unit", settings.target.name)
        self.longest = max(map(len, self._by_words), default=0)
        terms = {word for words in self._by_words for word in words if not word.isdigit()}
        self.words = frozenset(terms)
        self._typos = tuple(sorted(terms)) if len(terms) <= _MOST_PARTS else ()

    @property
    def nbytes(self) -> int:
        """Approximate size in memory."""
        return 400 * len(self._by_words)

    def mentioned(self, text: str) -> list[Mention]:
        """The names in a folded text; of those that start at the same word, the longest first."""
        words = list(_WORD.finditer(text))
        mentions: list[Mention] = []
        at = 0
        while at < len(words):
            for size in range(min(self.longest, len(words) - at), 0, -1):
                said = words[at : at + size]
                names = self._meant(tuple(one.group() for one in said), text, said[0].start())
                if names:
                    mentions.append(Mention(names, said[0].start(), said[-1].end()))
                    at += size - 1
                    break
            at += 1
        return mentions

    def slip(self, word: str) -> str | None:
        """The name word that this word is a typo of, or None."""
        return vocabulary.near(word, self._typos) if len(word) >= 3 else None

    def holding(self, text: str) -> Positions:
        """The series whose names contain the text."""
        return self.table.select(text)

    def _meant(self, words: tuple[str, ...], text: str, at: int) -> tuple[Name, ...]:
        names = self._by_words.get(words) or self._by_words.get((*words[:-1], _singular(words[-1]))) or ()
        quoted = text[at - 1 : at] in ("'", '"', "“", "‘", "`") if at else False
        if len(words) == 1 and not quoted and (words[0].isdigit() or words[0] in vocabulary.known()):
            # "store" and "sales" keep their meaning; a series that is called "a" or "12" has to be quoted.
            names = [name for name in names if name.kind in ("attribute", "metric", "column", "unit", "model")]
        first = min((_RANK.index(name.kind) for name in names), default=None)
        return () if first is None else tuple(name for name in names if name.kind == _RANK[first])

    def _add(self, kind: Kind, called: str, of: str = "", said: str = "") -> None:
        words = tuple(_WORD.findall(fold(said or called)))
        if words and (name := Name(kind, called, of)) not in (known := self._by_words.setdefault(words, [])):
            known.append(name)


def fold(text: str) -> str:
    """Lower-case text without accents, so that spelling variants of a word are equal."""
    return numberwords.simplify(text.replace("_", " ")).casefold()


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    return word.removesuffix("s") if len(word) > 3 else word
