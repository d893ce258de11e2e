"""Records of pointers, validated whenever they are read or moved: a damaged one gives one clear error."""

from typing import Annotated, Self

from pydantic import Field

from pipelines.core.documents import Record, Stored
from pipelines.storage.records import Version


class Pointer(Record):
    """Base of pointers: `version` counts the moves and is 0 if the pointer does not exist."""

    version: Annotated[int, Field(ge=0, strict=True)]

    def changed(self, **values: object) -> Self:
        """The pointer with changed values, validated."""
        return self.model_validate({**dict(self), **values})


class Alias(Stored):
    """The run of an alias, and the previous one."""

    run_id: Version
    at: str = ""
    by: str = ""
    reason: str = ""
    previous: Version | None = None


class Served(Stored):
    """The served forecast set, with its run and its newest actual."""

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
        """The run used for inference and served."""
        return self.aliases.get("production")


class CurrentData(Pointer):
    """`current.json` of a workspace's data: the version in use and its inputs."""

    remedy = "Restore it from a backup, or delete it and run: python scripts/run_etl.py"
    data_version: Version | None = None
    raw_version: Version | None = None
    settings_hash: str | None = None


class CurrentMonitoring(Pointer):
    """`current.json` of a workspace's monitoring: the newest one and its newest actual."""

    remedy = "Restore it from a backup, or delete it and run: python scripts/monitor.py"
    monitoring_id: Version | None = None
    as_of: str | None = None
