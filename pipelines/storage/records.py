"""Models of the JSON files in finished directories, validated when a file is read.

Domain-specific content is typed in its domain: settings and figures in `run.json` are plain JSON here, since runs of
any kind are recorded, promoted and verified in the same way.
"""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, StringConstraints

from pipelines.core.documents import Json, Record, Stored
from pipelines.core.errors import Untrusted
from pipelines.core.names import VERSION
from pipelines.storage import units
from pipelines.storage.folders import Folder

Version = Annotated[str, StringConstraints(pattern=rf"^{VERSION}$")]


class Fixed(Record):
    """An immutable record in a finished directory; `file`: its file name."""

    file: ClassVar[str]
    remedy = "Use another run."
    fault = Untrusted

    @classmethod
    def of(cls, folder: Folder) -> Self:
        """The record in `folder`; NotFound if there is none, Untrusted if it was changed."""
        return cls.parse(folder.read_bytes(cls.file), f"{folder.where}/{cls.file}")


class Snapshot(Fixed):
    """`source.json`: where raw rows came from; `sha256` is that of the rows as stored."""

    file = "source.json"
    remedy = "Restore it from a backup, or remove its directory and run: python scripts/run_etl.py"
    sha256: str
    origin: str = ""
    synthetic: bool = False
    rows: int = 0


class Etl(Fixed):
    """`etl.json` of a data version: its source, grid, counts and inferred settings.

    `counts`: rows by outcome. `inferred`: by column or setting, how it was found. `as_of`: when it was made.
    """

    file = "etl.json"
    remedy = "Restore it from a backup, or run: python scripts/run_etl.py"
    raw_version: Version | None = None
    as_of: str | None = None
    origin: str | None = None
    synthetic: bool
    frequency: str
    season_lengths: list[int] | None = None
    horizon: int
    counts: dict[str, int] = Field(default_factory=dict)
    inferred: dict[str, str] = Field(default_factory=dict)
    source_notes: list[str] = Field(default_factory=list)


class Check(Stored):
    """A check of the data: `count` of `total` items are affected; `examples` are some of them."""

    name: str
    status: Literal["pass", "warn", "fail"]
    message: str
    count: int = 0
    total: int = 0
    examples: list[str] = Field(default_factory=list)


class Quality(Fixed):
    """`quality.json` of a data version. `counts`: rows by outcome."""

    file = "quality.json"
    remedy = "Restore it from a backup, or run: python scripts/run_etl.py"
    status: Literal["pass", "warn", "fail"]
    counts: dict[str, int] = Field(default_factory=dict)
    checks: list[Check] = Field(default_factory=list)


class Data(Stored):
    """The data of a run: their version, and the SHA-256 of the observations."""

    version: str | None = None
    sha256: str | None = None


class Stage(Stored):
    """A stage of a run: its seconds, and the peak memory in MiB up to its end."""

    name: str
    seconds: float
    peak_mb: float


class Run(Fixed):
    """`run.json`: the fields common to all kinds of runs. `config` and `summary` belong to the domain that made the
    run.

    `config_hash`: SHA-256 of `config`. `parent`: the run that was in production. `model_code`: the digest of the code
    that determines the run. `units`: unit of the shares here and in the run's tables. `error`: why it failed.
    """

    file = units.RUN
    run_id: str = ""
    units: Literal["fraction"]
    workspace: str = ""
    status: Literal["pending", "running", "success", "failed"]
    started_at: str | None = None
    config: Json
    config_hash: str | None = None
    data: Data = Data()
    code_version: str | None = None
    python: str = ""
    libraries: dict[str, str] = Field(default_factory=dict)
    parent: str | None = None
    stages: list[Stage] = Field(default_factory=list)
    model_code: str | None = None
    finished_at: str | None = None
    summary: Json | None = None
    error: str | None = None

    @classmethod
    def upgraded(cls, values: Json) -> Json:
        return units.record(values)

    @property
    def succeeded(self) -> bool:
        return self.status == "success"


class Other(Stored):
    """A run that a forecast set is compared with; `reason`: why it could not forecast."""

    run_id: str
    reason: str | None = None


class ForecastSet(Fixed):
    """`inference.json`: the run and data of a forecast set. `as_of`: the newest actual.

    `new_series` are newer than the run, `ended_series` ended over a horizon ago. `rivals`: other runs that forecast a
    share of the series, by role. `unsupported_levels`: why an interval is missing.
    """

    file = "inference.json"
    forecast_id: str = ""
    run_id: Version
    data_version: str = ""
    as_of: str
    horizon: int
    n_series: int | None = None
    rivals: dict[str, Other] = Field(default_factory=dict)
    new_series: list[str] = Field(default_factory=list)
    ended_series: list[str] = Field(default_factory=list)
    unsupported_levels: list[str] = Field(default_factory=list)
    synthetic: bool = False
    code_version: str | None = None
    model_code: str | None = None


def dumped(record: Stored) -> Json:
    """The JSON values of a record as written, without unset ones."""
    return record.model_dump(mode="json", exclude_unset=True)
