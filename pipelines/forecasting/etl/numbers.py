"""Parsing of numbers as people write them: `1,234.5`, `1.234,5`, `€ 3`, `(12)`, `5-`."""

import re
from typing import Literal

import pandas as pd

Decimal = Literal[".", ","]

# What surrounds a number without changing it: white space of every kind, currency signs and codes, Swiss apostrophes.
_CODES = "EUR|USD|GBP|CHF|JPY|INR|SEK|NOK|DKK|PLN|CZK"
_DECORATION = rf"[\s'’]|[$€£¥₹₽₩¢]|(?<![A-Za-z])(?:{_CODES})(?![A-Za-z])"
_MISGROUPED = r"\d[\s'’]+(?!\d{3}(?!\d))\d"  # 1 234 is one number, 5 6 is not
_NEGATIVE = r"^\(([\d.,]+)\)$|^([\d.,]+)-$"  # accounting and SAP notation
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?inf(?:inity)?"


def parse(values: pd.Series, decimal: Literal["auto", ".", ","] = "auto") -> pd.Series:
    """Floats of the same index; NaN where a value is missing or unreadable."""
    if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        return values.astype("float64")
    distinct = pd.Series(values.dropna().unique(), dtype="object").astype(str)
    text = distinct.str.replace(_DECORATION, "", regex=True).str.replace("−", "-")
    text = text.str.replace(_NEGATIVE, r"-\1\2", regex=True)
    mark = find_decimal(text) if decimal == "auto" else decimal
    thousands = "," if mark == "." else "."
    group, point = re.escape(thousands), re.escape(mark)
    grouped = text.str.contains(thousands, regex=False)
    well_grouped = text.str.fullmatch(rf"[+-]?\d{{1,3}}(?:{group}\d{{2,3}})*{group}\d{{3}}(?:{point}\d*)?")  # or lakhs
    plain = text.str.replace(thousands, "", regex=False).str.replace(mark, ".", regex=False)
    readable = plain.str.fullmatch(_NUMBER, flags=re.IGNORECASE) & (~grouped | well_grouped)
    readable &= ~distinct.str.contains(_MISGROUPED, regex=True)
    numbers = plain.where(readable, "nan").astype("float64")  # to_numeric may be wrong in the last bit
    lookup = dict(zip(distinct, numbers, strict=True))
    if all_text(values):
        return values.astype("object").map(lookup).astype("float64")
    return values.astype("object").map(lambda value: lookup.get(str(value), float("nan"))).astype("float64")


def all_text(values: pd.Series) -> bool:
    """Whether a column holds only text: then equal values have equal spellings, unlike 1, 1.0 and True."""
    return all(isinstance(value, str) for value in values.dropna().unique())


def find_decimal(text: pd.Series) -> Decimal:
    """The decimal mark of a column of undecorated numbers.

    If one number has both marks, it is the last one. A mark that occurs twice in one number groups thousands. A comma
    that is always followed by just three digits groups thousands too; otherwise it is the decimal mark.
    """
    both = text[text.str.contains(",", regex=False) & text.str.contains(".", regex=False)]
    if len(both):
        return "," if (both.str.rfind(",") > both.str.rfind(".")).mean() > 0.5 else "."
    commas = text[text.str.contains(",", regex=False)]
    if len(commas):
        groups = commas.str.fullmatch(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+")
        return "." if bool(groups.all()) or bool(commas.str.count(",").gt(1).any()) else ","
    return "," if bool((text.str.count(r"\.") > 1).any()) else "."
