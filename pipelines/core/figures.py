"""Numbers, shares and times as everything but the web app writes them; JSON's null for what is no number."""

import math
from datetime import date, datetime, time
from typing import TypeVar

T = TypeVar("T")

MINUS = "\u2212"  # of text that is only read
UNKNOWN = "not known"


def known(value: T) -> T | None:
    """Return the value, or None for a float that JSON has no word for: NaN and the infinities."""
    return None if isinstance(value, float) and value - value != 0 else value


def number(value: float | None, *, precise: bool = False, sign: bool = False) -> str:
    """Return `1,234`, `12.3` or `0.12`: about three figures that count, or four where values are compared.

    With `sign`, also that of a positive one.
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
    """Return `12.3`, `1,234`, `151.9k` or `2.5M`, as a table with many columns has room for; a dash for what is not known."""
    if known(value) is None or value is None:
        return "–"
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e3 if letter == 'k' else size):,.4g}{letter}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def percent(share: float | None, *, sign: bool = False, unit: str = "%") -> str:
    """Return `12.3 %` of a share 0.123, from 100 % on without a decimal, below 0.1 % with one figure that counts.

    With `sign`, also that of a rise.
    """
    if known(share) is None or share is None:
        return UNKNOWN
    size = abs(100 * share)
    is_zero = size < 1e-8  # noise of floating point counts as nothing
    digits = 0 if size >= 100 else 1 if size >= 0.1 or is_zero else math.ceil(-math.log10(size))
    return f"{_signed(f'{size:,.{digits}f}', share, sign)} {unit}"


def ordinal(place: int) -> str:
    """Return `1st`, `22nd`, `113th`."""
    suffix = "th" if place % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(place % 10, "th")
    return f"{place:,}{suffix}"


def day(stamp: str) -> str:
    """Return `Mon 3 Jun 2024` of an ISO date, with the time where there is one; what is no date stays as it is."""
    try:
        when: date = datetime.fromisoformat(stamp) if "T" in stamp else date.fromisoformat(stamp)
    except ValueError:
        return stamp
    clock = f", {when:%H:%M}" if isinstance(when, datetime) else ""
    return f"{when:%a} {when.day} {when:%b %Y}{clock}"


def stamp(ds: datetime) -> str:
    """Return `2024-06-03T14:00:00Z` of a time in UTC: how files and the API name it."""
    return f"{ds:%Y-%m-%dT%H:%M:%SZ}"


def moment(ds: datetime) -> str:
    """Return `2024-06-03`, `2024-06-03 14:00` or `2024-06-03 14:00:05`, no finer than it is: how messages name a time."""
    if ds.time() == time.min:
        return f"{ds:%Y-%m-%d}"
    return f"{ds:%Y-%m-%d %H:%M:%S}" if ds.second else f"{ds:%Y-%m-%d %H:%M}"


def _signed(size: str, value: float, plus: bool) -> str:
    """The size with its sign, `plus` only where it is asked for; what rounds to 0 has none."""
    if not size.strip("0.,"):
        return size
    return f"{MINUS if value < 0 else '+' if plus else ''}{size}"
