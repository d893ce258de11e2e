"""Upload service: receives tables, previews them, and creates workspaces from them."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import yaml
from fastapi.concurrency import contextmanager_in_threadpool
from pydantic import JsonValue

from backend.compute.pool import Workers
from backend.core.access import Access
from backend.core.catalog import Catalog
from backend.core.errors import Problem
from backend.core.executor import BoundedExecutor
from backend.uploads.quota import Quota
from backend.uploads.schemas import PreviewOut, WorkspaceIn
from pipelines.core import config
from pipelines.core.errors import NotFound
from pipelines.core.names import new_version
from pipelines.storage.catalog import Reader
from pipelines.storage.disk import failing_clearly, locked, make_folder, replace_file
from pipelines.storage.store import Draft, Stores

_QUOTA = "quota"  # executor key for making room for an upload
_GZIP = b"\x1f\x8b"
_HEAD = "# Made of an upload. Edit it and it is yours: later uploads will not change it any more.\n"


class Uploads:
    """Receives tables, previews them, and creates workspaces from them. For one event loop."""

    def __init__(self, stores: Stores, catalog: Catalog, previewers: Workers, quota: Quota) -> None:
        self._stores, self._catalog, self._previewers, self._quota = stores, catalog, previewers, quota
        self._executor = BoundedExecutor("uploads", threads=2, most=32)

    def close(self) -> None:
        """Let running work end; drop queued work."""
        self._executor.close()

    async def receive(self, workspace: str, pieces: AsyncIterator[bytes]) -> str:
        """Store a table as an immutable upload, piece by piece; return its ID. Partial uploads are discarded."""
        data = self._stores.data
        if not data.is_local:
            raise Problem(
                503, "Uploads need data in a folder; these are on an object store. Put the table there by hand."
            )
        upload_id = new_version()
        draft = data.draft(self._stores.places(workspace).upload(upload_id))
        with self._quota.reserved():
            await self._executor.run(_QUOTA, lambda: self._quota.prepare(workspace, upload_id))
            try:
                await _write(draft, pieces)
                await self._executor.run(upload_id, draft.publish)
            except BaseException:
                await asyncio.shield(asyncio.to_thread(draft.discard))
                raise
        return upload_id

    async def preview(self, workspace: str, upload_id: str, wanted: Mapping[str, JsonValue]) -> PreviewOut:
        """Preview an upload under a mapping, in a worker. Problem 404 if it does not exist."""
        try:
            await asyncio.to_thread(self._stores.data.folder, self._stores.places(workspace).upload(upload_id))
        except NotFound:
            raise Problem(404, f"Workspace '{workspace}' has no upload {upload_id}.") from None
        request = {**wanted, "workspace": workspace, "upload_id": upload_id}
        # C libraries kill the process when memory runs out. The same table would kill the next one, so this is an error
        # of the client.
        hungry = "The table takes more memory than a preview may use, or cannot be read. Upload fewer rows or columns."
        body = await self._previewers.compute(request, "previews", "Upload fewer rows.", Problem(422, hungry))
        return PreviewOut.model_validate_json(body)

    async def create_workspace(self, access: Access, workspace: str, wanted: WorkspaceIn) -> bool:
        """Create a workspace from an upload, or update one created by an upload; return whether it is new.

        Problem 409 if the workspace's file was written by hand, 422 if the upload is not acceptable.
        """
        await asyncio.to_thread(refuse_handwritten, self._stores, workspace)
        given = {**wanted.model_dump(exclude={"upload_id", "mapping"}), **wanted.mapping.model_dump()}
        preview = await self.preview(workspace, wanted.upload_id, given)
        if not preview.acceptable or preview.settings is None:
            wrong = [one.model_dump() for one in preview.problems]
            raise Problem(422, "The upload cannot become a workspace as it is.", errors=wrong)
        by = access.identity.name
        new = await asyncio.to_thread(make, self._stores, workspace, wanted.upload_id, preview.settings, by)
        self._catalog.forget_workspaces()
        access.enter(workspace)
        return new


async def _write(draft: Draft, pieces: AsyncIterator[bytes]) -> None:
    """Write the table as a file of the draft, named by its first bytes. Problem 422 if it is empty."""
    head = b""
    async for piece in pieces:
        head += piece
        if len(head) >= len(_GZIP):
            break
    if not head:
        raise Problem(422, "The body is empty. Send the table as it is, as text/csv or gzipped.")
    name = "table.csv.gz" if head.startswith(_GZIP) else "table.csv"
    async with contextmanager_in_threadpool(draft.open(name)) as file:
        await asyncio.to_thread(file.write, head)
        async for piece in pieces:
            await asyncio.to_thread(file.write, piece)


def refuse_handwritten(reader: Reader, workspace: str) -> Path:
    """Return the path of the workspace's file. Problem 409 if no upload created it or someone has edited it since."""
    path = config.workspace_files().get(workspace)
    if path is None:
        return config.load_project().config_dir / "workspaces" / f"{workspace}.yaml"
    if _digest(path.read_bytes()) not in _made(reader, workspace):
        raise Problem(409, f"Workspace '{workspace}' has a file that was written by hand. Choose another name.")
    return path


def make(stores: Stores, workspace: str, upload_id: str, values: Mapping[str, object], by: str) -> bool:
    """Write the workspace's file and an audit line; return whether the workspace is new."""
    text = (_HEAD + yaml.safe_dump(dict(values), sort_keys=False, allow_unicode=True)).encode()
    places = stores.places(workspace)
    above, lock = (stores.data.path(place) for place in (places.uploads, places.uploads_lock))
    with failing_clearly(above):
        make_folder(above)
        with locked(lock):
            path = refuse_handwritten(stores, workspace)
            new = not path.exists()
            line = {
                "at": datetime.now(UTC).isoformat(timespec="seconds"),
                "by": by,
                "did": "created" if new else "changed",
                "upload_id": upload_id,
                "sha256": _digest(text),
            }
            # Written before the file, so that the file is known as ours even after a crash in between.
            stores.data.append(places.uploads_audit, json.dumps(line))
            try:
                replace_file(str(path), text)
            except OSError as error:
                detail = (
                    f"The service cannot write its settings ({error.strerror}). Whoever runs it can add the workspace."
                )
                raise Problem(503, detail) from error
    return new


def _made(reader: Reader, workspace: str) -> set[str]:
    """Digests of all versions of the workspace's file written by uploads."""
    return {str(line.get("sha256")) for line in reader.data.events(reader.places(workspace).uploads_audit)}


def _digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()
