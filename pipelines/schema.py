"""Column names of the stored tables, and the one check of every name that comes from outside."""

import re
import unicodedata

from pipelines.errors import ConfigError

UNIQUE_ID = "unique_id"
DS = "ds"
Y = "y"
Y_HAT = "y_hat"
CUTOFF = "cutoff"
MODEL = "model"
KEY = [UNIQUE_ID, DS]
COMPONENT = "component"  # of a forecast: one of the next four, `season(length)` or a covariate's own name
LEVEL = "level"
TREND = "trend"
HOLIDAY = "holiday"
REST = "rest"
VALUE = "value"
STEP = "step"  # ahead of the cutoff or of the newest value, from 1
PHASE = "phase"  # of the shortest season, from 0, and the size of errors at it
SIZE = "size"
MEMBER = "member"  # of an ensemble, and its weight
WEIGHT = "weight"
PREVIOUS = (
    "previous"  # the run that was in production before, and the one that may be next: what forecasts are held against
)
CANARY = "canary"
BASELINE = "seasonal_naive"  # always a candidate, and what `skill` is measured against

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
VERSION = r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}"  # the form of a run, forecast set or data version
_VERSION = re.compile(VERSION)


def is_safe(name: str) -> bool:
    """Whether a name may be one part of a path."""
    return _SAFE.fullmatch(name) is not None and ".." not in name


def is_version(name: str) -> bool:
    """Whether a name has the form of a run, forecast set or data version."""
    return _VERSION.fullmatch(name) is not None


def safe_name(name: str, what: str = "name") -> str:
    """`name` if it is safe as one part of a path (letters, digits, `. _ -`, at most 100), else a ConfigError."""
    if not is_safe(name):
        raise ConfigError(
            f"{what} {printable(name)!r} is not allowed: use 1 to 100 letters, digits, '.', '_' or '-', "
            "starting with a letter or digit."
        )
    return name


def safe_version(name: str, what: str = "run") -> str:
    """`name` if it has the form of a run, forecast set or data version, else a ConfigError."""
    if not is_version(name):
        raise ConfigError(f"{what} {printable(name)!r} is not of the form YYYYMMDDTHHMMSSZ-xxxxxxxx.")
    return name


def printable(text: str, limit: int = 80) -> str:
    """`text` for a message: control characters replaced, long text cut."""
    clean = "".join("?" if unicodedata.category(char).startswith("C") else char for char in text)
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def season(length: int) -> str:
    """Name of a season's component: `season 24` for a day of hours."""
    return f"season {length}"


def lo(level: int) -> str:
    """Name of the lower bound's column of an interval."""
    return f"lo_{level}"


def hi(level: int) -> str:
    """Name of the upper bound's column of an interval."""
    return f"hi_{level}"
