"""Numbers as people write them: `1,234.5`, `1.234,5`, `€ 3`, `(12)`, `5-`."""

import re
from typing import Literal

import pandas as pd

Decimal = Literal[".", ","]

# What surrounds a number without changing it: white space of every kind, currency signs and codes, Swiss apostrophes.
_DECORATION = r"[\s'’\u00a0\u202f\u2009]|[$€£¥₹₽₩¢]|\b(?:EUR|USD|GBP|CHF|JPY|SEK|NOK|DKK|PLN|CZK)\b"


def parse(values: pd.Series, decimal: Literal["auto", ".", ","] = "auto") -> pd.Series:
    """Floats of the same index; NaN where a value is missing or unreadable."""
    if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        return values.astype("float64")
    distinct = pd.Series(values.dropna().unique(), dtype="object").astype(str)
    text = distinct.str.replace(_DECORATION, "", regex=True).str.replace("−", "-")
    negative = text.str.fullmatch(r"\(.+\)") | text.str.fullmatch(r"[^-].*-")
    text = text.str.strip("()").str.rstrip("-")
    mark = find_decimal(text) if decimal == "auto" else decimal
    thousands = "," if mark == "." else "."
    grouped = text.str.contains(thousands, regex=False)
    well_grouped = text.str.fullmatch(rf"[+-]?\d{{1,3}}(?:{re.escape(thousands)}\d{{3}})+(?:{re.escape(mark)}\d*)?")
    plain = text.str.replace(thousands, "", regex=False).str.replace(mark, ".", regex=False)
    plain = plain.where(~grouped | well_grouped)
    hexadecimal_or_words = ~plain.fillna("").str.fullmatch(
        r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?inf(?:inity)?", flags=re.IGNORECASE
    )
    numbers = pd.to_numeric(plain.mask(hexadecimal_or_words), errors="coerce").astype("float64")
    numbers = numbers.where(~negative, -numbers)
    lookup = dict(zip(distinct, numbers, strict=True))
    return values.map(lambda value: lookup.get(str(value), float("nan")), na_action="ignore").astype("float64")


def find_decimal(text: pd.Series) -> Decimal:
    """The decimal mark of a column of undecorated numbers.

    Where both marks stand in one number, the last one. A mark that stands twice in one number groups thousands. A comma
    that is always followed by just three digits groups thousands too; otherwise it is the decimal mark.
    """
    both = text[text.str.contains(",", regex=False) & text.str.contains(".", regex=False)]
    if len(both):
        return "," if (both.str.rfind(",") > both.str.rfind(".")).mean() > 0.5 else "."
    commas = text[text.str.contains(",", regex=False)]
    if len(commas):
        groups = commas.str.fullmatch(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+")
        return "." if bool(groups.all()) else ","
    return "," if bool((text.str.count(r"\.") > 1).any()) else "."
