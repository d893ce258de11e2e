"""Rendering of facts by kind, with unit and sign."""

import math
import re
from typing import Literal, get_args

from backend.copilot.facts import Fact
from pipelines.core.figures import MINUS, day, number, ordinal, percent
from pipelines.tables.schema import FRACTION

Form = Literal["", "by", "moves", "signed"]
FORMS: tuple[str, ...] = get_args(Form)
SIGNED = ("change", "difference")  # kinds with a sign

_MARKUP = re.compile(r"([\\`*_\[\]<>#!|~$:@&{}])|(?<=www)\.|(?<=WWW)\.")
_LINES = re.compile(r"\s+")


def text(fact: Fact, form: str = "") -> str:
    """The fact as plain text. `by`: without its sign; `moves`: "rises by …", "falls by …"; only for kinds with a sign.

    ValueError for a form that the kind does not have.
    """
    if form and (fact.what.kind not in SIGNED or form not in FORMS):
        raise ValueError(f"{fact.what.label} has no form '{form}'")
    value = fact.value
    match fact.what.kind:
        case "change":
            return _moving(float(_number(value)), percent(abs(_number(value))), form)
        case "difference":
            return _moving(float(_number(value)), _amount(abs(_number(value)), fact.unit, "percentage points"), form)
        case "share":
            return percent(_number(value))
        case "level":
            return f"{_number(value):g} %"
        case "quantity":  # in the unit of the target
            return _with(fact.unit, number(_number(value)))
        case "number":
            return _amount(_number(value), fact.unit)
        case "count":
            return _with(_singular(fact.unit) if value == 1 else fact.unit, f"{int(_number(value)):,}")
        case "rank":
            return ordinal(int(_number(value)))
        case "interval":
            low, high = value if isinstance(value, tuple) else (math.nan, math.nan)
            return _with(fact.unit, f"{number(low)} to {number(high)}")
        case "date":
            return day(str(value))
        case "period":
            start, _, end = str(value).partition("/")
            return f"{day(start)} to {day(end)}" if end and end != start else day(start)
        case "quote":
            return f"“{_LINES.sub(' ', str(value)).strip()}”"
        case "text":
            return _LINES.sub(" ", str(value)).strip()


def markdown(fact: Fact, form: str = "") -> str:
    """The fact as escaped markdown: a name never becomes a link, a picture, a formula or a heading."""
    return escape(text(fact, form))


def escape(plain: str) -> str:
    return _MARKUP.sub(lambda mark: "\\" + mark.group(), plain)


def _amount(value: float, unit: str, of_fractions: str = "%") -> str:
    """A number with its unit; a fraction in percent, or in the unit `of_fractions`."""
    return percent(value, unit=of_fractions) if unit == FRACTION else _with(unit, number(value))


def _moving(value: float, size: str, form: str) -> str:
    if form == "by":
        return size
    if form == "moves":
        return "stays the same" if value == 0 else f"{'rises' if value > 0 else 'falls'} by {size}"
    return size if value == 0 else f"{'+' if value > 0 else MINUS}{size}"


def _with(unit: str, amount: str) -> str:
    return f"{amount} {unit}" if unit else amount


def _singular(unit: str) -> str:
    return unit if unit.endswith("series") else unit.removesuffix("s")


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is no number")
    return float(value)
