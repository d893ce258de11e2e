"""Number, share and time formats of everything but the web app; non-numbers become JSON null."""

import math
from datetime import date, datetime, time
from typing import TypeVar

T = TypeVar("T")

MINUS = "\u2212"  # for text that is never parsed
UNKNOWN = "not known"


def known(value: T) -> T | None:
    """Return the value, or None for NaN and the infinities, which JSON cannot represent."""
    return None if isinstance(value, float) and value - value != 0 else value


def number(value: float | None, *, precise: bool = False, sign: bool = False) -> str:
    """Return `1,234`, `12.3` or `0.12`: about three significant digits, or four where values are compared.

    With `sign`, positive values get a plus sign.
    """
    if known(value) is None or value is None:
        return UNKNOWN
    size = abs(value)
    if size and size < 1e-4:
        text = f"{size:.1e}"
    elif precise:
        digits = max(0, 3 - math.floor(math.log10(size))) if size else 0
        text = f"{size:,.{digits}f}"
        text = text.rstrip("0").rstrip(".") if digits else text
    else:
        digits = 0 if size >= 100 or value == int(value) else 1 if size >= 10 else 2 if size >= 0.1 else 4
        text = f"{size:,.{digits}f}"
    return _signed(text, value, sign)


def short(value: float | None) -> str:
    """Return `12.3`, `1,234`, `151.9k` or `2.5M`, for tables with many columns; a dash for unknown values."""
    if known(value) is None or value is None:
        return "–"
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e3 if letter == 'k' else size):,.4g}{letter}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def percent(share: float | None, *, sign: bool = False, unit: str = "%") -> str:
    """Return `12.3 %` of a share 0.123, without decimals from 100 %, with one significant digit below 0.1 %.

    With `sign`, increases get a plus sign.
    """
    if known(share) is None or share is None:
        return UNKNOWN
    size = abs(100 * share)
    is_zero = size < 1e-8  # floating-point noise
    digits = 0 if size >= 100 else 1 if size >= 0.1 or is_zero else math.ceil(-math.log10(size))
    return f"{_signed(f'{size:,.{digits}f}', share, sign)} {unit}"


def ordinal(place: int) -> str:
    """Return `1st`, `22nd`, `113th`."""
    suffix = "th" if place % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(place % 10, "th")
    return f"{place:,}{suffix}"


def day(stamp: str) -> str:
    """Return `Mon 3 Jun 2024` for an ISO date, with the time if it has one; other text is returned unchanged."""
    try:
        when: date = datetime.fromisoformat(stamp) if "T" in stamp else date.fromisoformat(stamp)
    except ValueError:
        return stamp
    clock = f", {when:%H:%M}" if isinstance(when, datetime) else ""
    return f"{when:%a} {when.day} {when:%b %Y}{clock}"


def stamp(ds: datetime) -> str:
    """Return `2024-06-03T14:00:00Z` for a time in UTC, the format of files and the API."""
    return f"{ds:%Y-%m-%dT%H:%M:%SZ}"


def moment(ds: datetime) -> str:
    """Return `2024-06-03`, `2024-06-03 14:00` or `2024-06-03 14:00:05`, at the precision of the value, for messages."""
    if ds.time() == time.min:
        return f"{ds:%Y-%m-%d}"
    return f"{ds:%Y-%m-%d %H:%M:%S}" if ds.second else f"{ds:%Y-%m-%d %H:%M}"


def _signed(size: str, value: float, plus: bool) -> str:
    """The size with its sign, a plus only on request; values that round to 0 have no sign."""
    if not size.strip("0.,"):
        return size
    return f"{MINUS if value < 0 else '+' if plus else ''}{size}"
