"""What training and inference begin with: the panel of a data version, whole or as parts for tasks on other machines."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from functools import lru_cache

from pipelines.features import future
from pipelines.panel import Panel, Part, Share
from pipelines.read import Dataset
from pipelines.settings import Workspace


def panel(dataset: Dataset, workspace: Workspace, ids: Collection[str] | None = None) -> tuple[Panel, list[str]]:
    """The panel with the workspace's holidays, of `ids` or of all series, and the series that ended; as `Dataset.panel`."""
    found, ended = dataset.panel(workspace, ids)
    where = workspace.holidays
    found = future.add_holidays(found, workspace.horizon or 1, where.country, where.subdivision, workspace.timezone)
    return found, ended


def stored(dataset: Dataset, workspace: Workspace) -> Share:
    """For tasks on other machines: each reads its series from the store, which all machines see at the same place.

    What travels is where the data lie and the names of the series; the key that signs stays here.
    """
    store = dataset.folder.store.without_key()
    keyless = Dataset(replace(dataset.folder, store=store))

    def share(_: Panel, ids: list[str]) -> Part:
        return _Stored(keyless.folder.where, workspace.model_dump_json(), tuple(ids), keyless, workspace)

    return share


@dataclass(frozen=True)
class _Stored:
    """Some series of a data version; equal to another one of the same data, settings and series."""

    where: str
    settings: str
    ids: tuple[str, ...]
    dataset: Dataset = field(compare=False)
    workspace: Workspace = field(compare=False)

    def __call__(self) -> Panel:
        return _read(self)


@lru_cache(maxsize=1)  # a worker is handed the windows of the same series one after the other
def _read(part: _Stored) -> Panel:
    return panel(part.dataset, part.workspace, part.ids)[0]
