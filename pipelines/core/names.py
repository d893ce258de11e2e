"""Names in paths: the only check of names from outside, and versions, which sort by time."""

import re
import secrets
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from pipelines.core.errors import ConfigError

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


VERSION = r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}"  # the form of a run, forecast set or data version


_VERSION = re.compile(VERSION)


def is_safe(name: str) -> bool:
    """Whether a name is safe as one part of a path."""
    return _SAFE.fullmatch(name) is not None and ".." not in name


def is_version(name: str) -> bool:
    """Whether a name has the form of a run, forecast set or data version."""
    return _VERSION.fullmatch(name) is not None


def safe_name(name: str, what: str = "name") -> str:
    """`name` if it is safe as one part of a path (letters, digits, `. _ -`, at most 100), else a ConfigError."""
    if not is_safe(name):
        raise ConfigError(
            f"{what} {printable(name)!r} is not allowed",
            code="name_not_allowed",
            found=printable(name),
            remedy="Use 1 to 100 letters, digits, '.', '_' or '-', starting with a letter or digit.",
        )
    return name


def safe_version(name: str, what: str = "run") -> str:
    """`name` if it has the form of a run, forecast set or data version, else a ConfigError."""
    if not is_version(name):
        raise ConfigError(
            f"{what} {printable(name)!r} is not of the form YYYYMMDDTHHMMSSZ-xxxxxxxx",
            code="version_not_allowed",
            found=printable(name),
            remedy="Give it as it is listed.",
        )
    return name


def new_version(now: datetime | None = None) -> str:
    """A name that sorts by time and is safe in a path: YYYYMMDDTHHMMSSZ-xxxxxxxx, the x being microseconds and random
    digits.
    """
    now = now or datetime.now(UTC)
    return f"{now:%Y%m%dT%H%M%SZ}-{now.microsecond:05x}{secrets.token_hex(2)[1:]}"


def oldest_first(names: Iterable[str]) -> list[str]:
    """Versions sorted by the time in their names. Versions from the future come first, since the clock was wrong.

    Up to one day ahead is tolerated, since the clocks of several machines differ.
    """
    tomorrow = new_version(datetime.now(UTC) + timedelta(days=1))
    return sorted(names, key=lambda name: (name <= tomorrow, name))


def printable(text: str, limit: int = 80) -> str:
    """`text` for a message: control characters replaced, long text cut."""
    clean = "".join("?" if unicodedata.category(char).startswith("C") else char for char in text)
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"
