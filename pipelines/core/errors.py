"""What can go wrong, in words for the person who can mend it. No HTTP words here."""

from collections.abc import Iterable

_CLOSE = 60.0  # percent of two names' letters that are the same, in the same order


class ForecastError(Exception):
    """Base of every error that is shown to a user as one message, without a traceback."""


class ConfigError(ForecastError):
    """A setting is wrong: names file and key, what was found, what is allowed."""


class UnknownName(ConfigError):
    """A name that no plugin, workspace or alias has."""

    def __init__(self, what: str, name: str, valid: Iterable[str]) -> None:
        names = sorted(valid)
        super().__init__(
            f"unknown {what} '{name}'{did_you_mean(name, names)}. Valid: {', '.join(names) or 'none yet'}."
        )


class DataError(ForecastError):
    """The data cannot be used as it is: names the source, what was found, and the remedy."""


class MissingColumn(DataError):
    def __init__(self, column: str, found: Iterable[str], source: str) -> None:
        self.column = column
        columns = [str(name) for name in found]
        super().__init__(
            f"{source}: column '{column}' is missing (found: {', '.join(columns)})"
            f"{did_you_mean(column, columns)}. Set source.columns or covariates in the workspace file."
        )


class ModelError(ForecastError):
    """A model cannot be fitted or asked for this forecast."""


class StoreError(ForecastError):
    """Storage failed or refuses: the last published state is untouched."""


class NotFound(StoreError):
    """Nothing complete is stored under that name."""


class Conflict(StoreError):
    """Another writer was first; nothing was changed."""


class Untrusted(StoreError):
    """Stored bytes are not what their manifest says, or the manifest is not signed as it must be."""


def did_you_mean(name: str, valid: Iterable[str]) -> str:
    """Returns ` (did you mean 'x'?)` for the closest valid name, in any case, or an empty string."""
    from rapidfuzz import fuzz, process  # only who mistypes waits for it

    near = process.extractOne(name, sorted(valid), scorer=fuzz.ratio, processor=str.casefold, score_cutoff=_CLOSE)
    return f" (did you mean '{near[0]}'?)" if near else ""
