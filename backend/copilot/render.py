"""How a fact is written: thousands, precision, unit, sign, percent, and dates as the workspace's calendar has them."""

import math
import re
from datetime import date, datetime
from typing import Literal, get_args

from backend.copilot.facts import Fact
from pipelines.tables.schema import FRACTION

Form = Literal["", "by", "moves", "signed"]
FORMS: tuple[str, ...] = get_args(Form)
SIGNED = ("change", "difference")  # kinds with a direction

_MARKUP = re.compile(r"([\\`*_\[\]<>#!|~$:@&{}])|(?<=www)\.|(?<=WWW)\.")
_LINES = re.compile(r"\s+")
_MINUS = "−"


def text(fact: Fact, form: str = "") -> str:
    """The fact as plain text. `by`: without its sign; `moves`: "rises by …", "falls by …"; only for kinds with a direction.

    ValueError for a form that the kind has not.
    """
    if form and (fact.what.kind not in SIGNED or form not in FORMS):
        raise ValueError(f"{fact.what.label} has no form '{form}'")
    value = fact.value
    match fact.what.kind:
        case "change":
            return _moving(float(_number(value)), _percent(abs(_number(value))), form)
        case "difference":
            return _moving(float(_number(value)), _amount(abs(_number(value)), fact.unit, "percentage points"), form)
        case "share":
            return _percent(_number(value))
        case "level":
            return f"{_number(value):g} %"
        case "quantity":  # in the target's own unit, whatever it is called
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
    """The same as markdown that shows exactly these characters: a name is never a link, a picture, a formula or a heading."""
    return escape(text(fact, form))


def escape(plain: str) -> str:
    return _MARKUP.sub(lambda found: "\\" + found.group(), plain)


def number(value: float) -> str:
    """About three figures that count, thousands separated."""
    size = abs(value)
    if size and size < 1e-4:
        return _signed(f"{size:.1e}", value)
    digits = 0 if size >= 100 or value == int(value) else 1 if size >= 10 else 2 if size >= 0.1 else 4
    return _signed(f"{size:,.{digits}f}", value)


def ordinal(place: int) -> str:
    suffix = "th" if place % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(place % 10, "th")
    return f"{place:,}{suffix}"


def day(stamp: str) -> str:
    """`Mon 3 Jun 2024`, with the time where the stamp has one; what is no date stays as it is."""
    try:
        moment: date = datetime.fromisoformat(stamp) if "T" in stamp else date.fromisoformat(stamp)
    except ValueError:
        return stamp
    clock = f", {moment:%H:%M}" if isinstance(moment, datetime) else ""
    return f"{moment:%a} {moment.day} {moment:%b %Y}{clock}"


def _percent(share: float, unit: str = "%") -> str:
    """`80.1 %` of 0.801, `0.6 %` of 0.006; below 0.1 % one figure that counts."""
    percent = share * 100
    size = abs(percent)
    digits = 0 if size >= 100 else 1 if size >= 0.1 or not size else min(8, math.ceil(-math.log10(size)))
    return f"{_signed(f'{size:,.{digits}f}', percent)} {unit}"


def _amount(value: float, unit: str, of_fractions: str = "%") -> str:
    """A number with its unit; a fraction in percent, or in `of_fractions`."""
    return _percent(value, of_fractions) if unit == FRACTION else _with(unit, number(value))


def _moving(value: float, size: str, form: str) -> str:
    if form == "by":
        return size
    if form == "moves":
        return "stays the same" if value == 0 else f"{'rises' if value > 0 else 'falls'} by {size}"
    return size if value == 0 else f"{'+' if value > 0 else _MINUS}{size}"


def _signed(size: str, value: float) -> str:
    return _MINUS + size if value < 0 and size.strip("0.,") else size


def _with(unit: str, amount: str) -> str:
    return f"{amount} {unit}" if unit else amount


def _singular(unit: str) -> str:
    return unit if unit.endswith("series") else unit.removesuffix("s")


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is no number")
    return float(value)
