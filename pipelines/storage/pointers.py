"""What each pointer holds, checked whenever it is read or moved: a damaged one is one clear error, whatever it holds."""

from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from pipelines.core import documents
from pipelines.core.errors import StoreError
from pipelines.core.names import VERSION

Version = Annotated[str, StringConstraints(pattern=rf"^{VERSION}$")]


class Pointer(BaseModel):
    """Any pointer: `version` counts its moves. `remedy`: what to do with one that cannot be used."""

    model_config = ConfigDict(extra="allow")
    remedy: ClassVar[str] = "Restore it from a backup."
    version: Annotated[int, Field(ge=0, strict=True)]


class Alias(BaseModel):
    """The run that an alias names, and the one before."""

    run_id: Version
    at: str = ""
    by: str = ""
    reason: str = ""
    previous: Version | None = None


class Served(BaseModel):
    """The forecast set that is served, with its run and the newest actual that it knows."""

    forecast_id: Version
    run_id: Version
    as_of: str


class Aliases(Pointer):
    """`pointers.json` of a workspace."""

    remedy = "Restore it from a backup, or delete it and point production at a run: python scripts/promote.py --run RUN"
    aliases: dict[str, Alias] = {}
    published: Served | None = None


class Data(Pointer):
    """`current.json` of a workspace's data."""

    remedy = "Restore it from a backup, or delete it and run: python scripts/run_etl.py"
    data_version: Version | None = None


class Monitoring(Pointer):
    """`current.json` of a workspace's monitoring."""

    remedy = "Restore it from a backup, or delete it and run: python scripts/monitor.py"
    monitoring_id: Version | None = None


def read(content: bytes | None, where: str, shape: type[Pointer]) -> dict[str, Any]:
    """The values of a pointer, version 0 where there is none; StoreError if they are not those of `shape`."""
    if content is None:
        return {"version": 0}
    try:
        found = documents.parse_object(content)
        shape.model_validate(found)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"]))
        reason = f"{key}: found {first['input']!r:.60}: {first['msg'][0].lower()}{first['msg'][1:]}"
    except ValueError as error:
        reason = documents.why(error)
    else:
        return found
    raise StoreError(f"{where} cannot be used ({reason})", remedy=shape.remedy) from None
