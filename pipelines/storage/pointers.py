"""What each pointer holds, checked whenever it is read or moved: a damaged one is one clear error, whatever it holds."""

from typing import Annotated, Self

from pydantic import Field

from pipelines.core.documents import Record, Stored
from pipelines.storage.records import Version


class Pointer(Record):
    """Any pointer: `version` counts its moves, and is 0 where there is none."""

    version: Annotated[int, Field(ge=0, strict=True)]

    def changed(self, **values: object) -> Self:
        """The same pointer with other values, checked."""
        return self.model_validate({**dict(self), **values})


class Alias(Stored):
    """The run that an alias names, and the one before."""

    run_id: Version
    at: str = ""
    by: str = ""
    reason: str = ""
    previous: Version | None = None


class Served(Stored):
    """The forecast set that is served, with its run and the newest actual that it knows."""

    forecast_id: Version
    run_id: Version
    as_of: str


class Aliases(Pointer):
    """`pointers.json` of a workspace."""

    remedy = "Restore it from a backup, or delete it and point production at a run: python scripts/promote.py --run RUN"
    aliases: dict[str, Alias] = Field(default_factory=dict)
    published: Served | None = None

    @property
    def production(self) -> Alias | None:
        """The run that inference uses and that is served."""
        return self.aliases.get("production")


class CurrentData(Pointer):
    """`current.json` of a workspace's data: the version in use, and what it was made of."""

    remedy = "Restore it from a backup, or delete it and run: python scripts/run_etl.py"
    data_version: Version | None = None
    raw_version: Version | None = None
    settings_hash: str | None = None


class CurrentMonitoring(Pointer):
    """`current.json` of a workspace's monitoring: the newest one, and the newest actual that it knew."""

    remedy = "Restore it from a backup, or delete it and run: python scripts/monitor.py"
    monitoring_id: Version | None = None
    as_of: str | None = None
