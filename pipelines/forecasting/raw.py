"""Reading of sources, and storage of the unprocessed rows."""

import hashlib
import tempfile
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pandas as pd

from pipelines.core import plugins
from pipelines.core.names import new_version
from pipelines.forecasting.etl import snapshot
from pipelines.forecasting.settings import Workspace
from pipelines.sources import Raw
from pipelines.storage import layout
from pipelines.storage.catalog import Reader
from pipelines.storage.records import Snapshot
from pipelines.storage.store import Stores


def read_source(workspace: Workspace, reader: Reader, data_dir: str) -> Raw:
    """Reads the source. If the data folder is on an object store, the source gets local copies of its files."""
    module, options = plugins.load("pipelines.sources", workspace.source.kind), workspace.source.options
    data = reader.data
    if data.is_local:
        raw: Raw = module.build(options, Path(data_dir)).read()
        return raw
    with tempfile.TemporaryDirectory() as folder:
        path = PurePosixPath(getattr(options, "path", ""))
        if path.parts and not path.is_absolute():
            data.fetch(layout.source(str(path)), to=folder)
        raw = module.build(options, Path(folder)).read()
        return replace(raw, origin=raw.origin.replace(folder, data_dir.rstrip("/")))


def keep_snapshot(raw: Raw, workspace: Workspace, stores: Stores) -> tuple[pd.DataFrame, str]:
    """Stores the rows and returns them with their version; reuses the newest version if it holds the same bytes."""
    content = snapshot.to_parquet(raw.rows)
    sha256 = hashlib.sha256(content).hexdigest()
    places = stores.places(workspace.name)
    versions = stores.data.folders(places.raw)
    if not versions or Snapshot.of(stores.data.folder(places.snapshot(versions[-1]))).sha256 != sha256:
        versions = [new_version()]
        draft = stores.data.draft(places.snapshot(versions[-1]))
        draft.write_bytes("rows.parquet", content)
        draft.write_record(Snapshot(sha256=sha256, origin=raw.origin, synthetic=raw.synthetic, rows=len(raw.rows)))
        draft.publish()
    return snapshot.from_parquet(content), versions[-1]
