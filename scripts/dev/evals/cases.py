"""Questions of the evaluation, one YAML list per file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipelines.core.errors import ConfigError

REFUSED = ("unanswerable", "hostile")  # files whose questions must be refused


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Turn(Strict):
    """An earlier question, and the series of its answer."""

    question: str
    unique_ids: list[str] = []


class Groups(Strict):
    """Groups of an attribute, largest forecast first."""

    by: str
    n: int


class Case(Strict):
    """A question and what its answer must contain.

    `facts`: values by concept, with the oracle's arguments; `about`: the series of the answer; `asks`: attributes
    shared by several series, among which the answer must ask for one; `answered: any`: any grounded answer is right.
    """

    id: str
    question: str
    kind: str = ""
    workspace: str = "retail"
    unique_id: str | None = None
    history: list[Turn] = []
    about: list[str] = []
    facts: list[dict[str, dict[str, Any]]] = []
    groups: Groups | None = None
    asks: dict[str, str] | None = None
    answered: bool | Literal["any"] = Field(default=True)


def load(folder: Path) -> list[Case]:
    """All cases, each with its file name as its kind. Raises ConfigError for an invalid one."""
    cases = [case for path in sorted(folder.glob("*.yaml")) for case in _of(path)]
    ids = [case.id for case in cases]
    if twice := {one for one in ids if ids.count(one) > 1}:
        raise ConfigError(
            f"the ids {', '.join(sorted(twice))} occur more than once",
            where=str(folder),
            code="id_twice",
            found=sorted(twice),
            remedy="Give each case its own.",
        )
    return cases


def _of(path: Path) -> Iterator[Case]:
    for content in yaml.safe_load(path.read_text(encoding="utf-8")):
        try:
            given = {"answered": path.stem not in REFUSED, **content, "kind": path.stem}
            yield Case.model_validate(given)
        except ValidationError as error:
            raise ConfigError(
                f"the case {content.get('id', content)} is wrong: {error}",
                where=str(path),
                code="wrong_case",
                remedy="Correct it.",
            ) from None
