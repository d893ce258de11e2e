"""Errors as data: programs read the members of an error, people read its message. Independent of HTTP."""

import copyreg
import math
import numbers
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

_LONGEST, _MOST = 200, 20  # characters of a text and items of a list in `found`

_CLOSE = 60.0  # percent of the letters that two names share, in the same order


class ForecastError(Exception):
    """Base of every error that is shown to a user as one message, without a traceback.

    `problem`: a clause without a full stop that says what is wrong, with the values found. `remedy`: a sentence.
    `code`: one of `codes.CODES`, which programs compare. `field`: the setting, parameter or variable to correct,
    dotted. `found`: the values found, as small JSON data, never a path of this machine. `where`: the file, database or
    workspace that was read. It may be a path of this machine, so the service never sends it to clients.
    """

    family: ClassVar[str] = "ForecastError"  # the name that programs see; subclasses share it
    default_code: ClassVar[str] = "failed"

    def __init__(
        self,
        problem: str,
        *,
        remedy: str = "",
        code: str = "",
        field: str | None = None,
        found: Any = None,
        where: str | None = None,
    ) -> None:
        super().__init__(problem)
        self.problem, self.remedy, self.code = problem, remedy, code or self.default_code
        self.field, self.found, self.where = field, _small(found), where

    def __str__(self) -> str:
        return f"{self.where}: {self.text}" if self.where else self.text

    def __reduce__(self) -> Any:
        """Pickles the error with its data, independent of the arguments of its class."""
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]

    @property
    def text(self) -> str:
        """The message without `where`, safe to show to clients."""
        return f"{self.problem}. {self.remedy}" if self.remedy else self.problem

    @property
    def line(self) -> str:
        """The message as the command line prints it, with the code, listed in docs/ERRORS.md, in brackets."""
        return f"error: {self} [{self.code}]"

    def members(self) -> dict[str, Any]:
        """The error as JSON values: `code`, and `field`, `found` and `remedy` if they are set."""
        members = {"code": self.code, "field": self.field, "found": self.found, "remedy": self.remedy or None}
        return {name: value for name, value in members.items() if value is not None}


class ConfigError(ForecastError):
    """A wrong setting, with its file and key, the value found and the values allowed."""

    family = "ConfigError"

    @property
    def text(self) -> str:
        """The message begins with the setting's name."""
        return f"{self.field}: {super().text}" if self.field else super().text


class Several(ForecastError):
    """One or more problems reported at once; `problems` holds an error for each, with its own remedy."""

    def __init__(self, head: str, problems: Sequence[ForecastError], *, code: str, remedy: str = "") -> None:
        super().__init__(head, code=code, remedy=remedy)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return self._lines(str(problem) for problem in self.problems)

    @property
    def text(self) -> str:
        """Each problem on a line of its own."""
        return self._lines(problem.text for problem in self.problems)

    def members(self) -> dict[str, Any]:
        """`errors` has the members of each problem, and its `message`."""
        each = [{"field": "", **problem.members(), "message": problem.text} for problem in self.problems]
        return {**super().members(), "errors": each}

    def _lines(self, messages: Iterable[str]) -> str:
        return "\n".join([f"{self.problem}:", *(f"  - {one}" for one in messages), *filter(None, [self.remedy])])


class ConfigErrors(Several, ConfigError):
    """All wrong settings, reported at once."""


class UnknownName(ConfigError):
    """A name that no plugin, workspace or alias has."""

    family = "UnknownName"

    def __init__(self, what: str, name: str, valid: Iterable[str], *, field: str | None = None) -> None:
        names = sorted(valid)
        super().__init__(
            f"unknown {what} '{name}'{did_you_mean(name, names)}",
            code="unknown_name",
            field=field,
            found=name,
            remedy=f"Use one of: {', '.join(names)}." if names else "There is none yet: add one first.",
        )

    @property
    def text(self) -> str:
        """The message without the name of the setting, which it already contains."""
        return f"{self.problem}. {self.remedy}"


class DataError(ForecastError):
    """Unusable data, with the source, what was found and the remedy."""

    family = "DataError"


class DataErrors(Several, DataError):
    """All failed checks of the data, reported at once."""


class MissingColumn(DataError):
    """The column that `field` names is missing from the table; `columns` are the existing ones."""

    def __init__(self, column: str, columns: Iterable[str], where: str, *, field: str) -> None:
        names = [str(name) for name in columns]
        super().__init__(
            f"column '{column}' is missing (found: {', '.join(names)}){did_you_mean(column, names)}",
            code="missing_column",
            field=field,
            found=names,
            where=where,
            remedy=f"Set {field} in the workspace file.",
        )


class ModelError(ForecastError):
    """A model cannot be fitted or cannot make this forecast."""

    family = "ModelError"


class StoreError(ForecastError):
    """Storage failed or refused the operation; the last published state is untouched."""

    family = "StoreError"
    default_code = "storage_failed"


class NotFound(StoreError):
    """Nothing complete is stored under that name."""

    family = "NotFound"
    default_code = "not_found"


class Conflict(StoreError):
    """Another writer was first; nothing was changed."""

    family = "Conflict"
    default_code = "conflict"


class Untrusted(StoreError):
    """Stored bytes do not match their manifest, or the manifest lacks a valid signature."""

    family = "Untrusted"
    default_code = "untrusted"


def did_you_mean(name: str, valid: Iterable[str]) -> str:
    """Returns ` (did you mean 'x'?)` for the closest valid name, in any case, or an empty string."""
    from rapidfuzz import fuzz, process  # slow import, only needed for typos

    near = process.extractOne(name, sorted(valid), scorer=fuzz.ratio, processor=str.casefold, score_cutoff=_CLOSE)
    return f" (did you mean '{near[0]}'?)" if near else ""


def _small(value: Any) -> Any:
    """The value as JSON, truncated if it is long."""
    match value:
        case None | bool():
            return value
        case numbers.Integral():
            return int(value)
        case numbers.Real() if math.isfinite(value):
            return float(value)
        case Mapping():
            return {str(name)[:_LONGEST]: _small(one) for name, one in list(value.items())[:_MOST]}
        case list() | tuple() | set() | frozenset():
            return [_small(one) for one in list(value)[:_MOST]]
        case _:
            return str(value).encode(errors="replace").decode()[:_LONGEST]
