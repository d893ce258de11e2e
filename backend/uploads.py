"""Tables that come over HTTP, and the workspaces that are made of them."""

import asyncio
import hashlib
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from fastapi import Request
from fastapi.concurrency import contextmanager_in_threadpool

from backend.errors import Problem
from backend.job import alone
from backend.service import Service
from pipelines import settings
from pipelines.disk import failing_clearly, make_folder, replace_file
from pipelines.errors import NotFound
from pipelines.read import Reader, new_version
from pipelines.schema import safe_name

ROOM = "uploads"  # below the data folder: <workspace>/<upload_id>/table.csv
KEPT = 10  # uploads of a workspace beside the one that it uses, the newest ones
AUDIT = "audit.jsonl"  # a line for each time a workspace was made or changed by an upload

_GZIP = b"\x1f\x8b"
_HEAD = "# Made of an upload. Edit it and it is yours: later uploads will not change it any more.\n"
_USES = re.compile(rf"{ROOM}/[^/]+/([^/]+)/")


async def receive(request: Request, service: Service, workspace: str) -> str:
    """Stores the body as an upload that never changes, a piece at a time; its id. Half of one does not exist."""
    data = service.reader.data
    if not data.is_local:
        raise Problem(503, "Uploads need data in a folder; these are on an object store. Put the table there by hand.")
    upload_id = new_version()
    await asyncio.to_thread(_sweep, service.reader, safe_name(workspace, "workspace"))
    draft = data.draft(ROOM, workspace, upload_id)
    try:
        pieces, head = request.stream(), b""
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
        await asyncio.to_thread(draft.publish)
    except BaseException:
        await asyncio.shield(asyncio.to_thread(draft.discard))
        raise
    return upload_id


async def preview(service: Service, workspace: str, upload_id: str, wanted: dict[str, Any]) -> bytes:
    """What the upload is under a mapping, found by a worker. Problem 404 for one that does not exist."""
    try:
        await asyncio.to_thread(service.reader.data.folder, ROOM, safe_name(workspace, "workspace"), upload_id)
    except NotFound:
        raise Problem(404, f"Workspace '{workspace}' has no upload {upload_id}.") from None
    request = {"preview": {**wanted, "workspace": workspace, "upload_id": upload_id}}
    return await service.workers.compute(request, "previews", "Upload fewer rows.")


def refuse_handwritten(reader: Reader, workspace: str) -> Path:
    """The workspace's file. Problem 409 for one that no upload made, or that somebody has edited since."""
    path = settings.workspace_files().get(workspace)
    if path is None:
        return settings.load_project().config_dir / "workspaces" / f"{workspace}.yaml"
    if _digest(path.read_bytes()) not in _made(reader, workspace):
        raise Problem(409, f"Workspace '{workspace}' has a file that was written by hand. Choose another name.")
    return path


def make(reader: Reader, workspace: str, upload_id: str, values: dict[str, Any], by: str) -> bool:
    """Writes the workspace's file, and a line on who did it; whether it is new."""
    text = (_HEAD + yaml.safe_dump(values, sort_keys=False, allow_unicode=True)).encode()
    above = reader.data.path(ROOM, workspace)
    with failing_clearly(above):
        make_folder(above)
        with alone(Path(above) / "lock"):
            path = refuse_handwritten(reader, workspace)
            new = not path.exists()
            line = {
                "at": datetime.now(UTC).isoformat(timespec="seconds"),
                "by": by,
                "did": "created" if new else "changed",
                "upload_id": upload_id,
                "sha256": _digest(text),
            }
            # Before the file: what the line names is ours, also after a crash in between.
            reader.data.append(ROOM, workspace, AUDIT, line=json.dumps(line))
            try:
                replace_file(str(path), text)
            except OSError as error:
                detail = (
                    f"The service cannot write its settings ({error.strerror}). Whoever runs it can add the workspace."
                )
                raise Problem(503, detail) from error
    return new


def _made(reader: Reader, workspace: str) -> set[str]:
    """Digests of all that uploads ever wrote into the workspace's file."""
    return {str(line.get("sha256")) for line in reader.data.events(ROOM, workspace, AUDIT)}


def _sweep(reader: Reader, workspace: str) -> None:
    """Removes what was never finished, and old uploads that nothing uses."""
    reader.data.sweep(ROOM, workspace)
    path = settings.workspace_files().get(workspace)
    used = set(_USES.findall(path.read_text(encoding="utf-8", errors="replace"))) if path else set()
    for old in reader.data.folders(ROOM, workspace)[:-KEPT]:
        if old not in used:
            reader.data.remove(ROOM, workspace, old)


def _digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()
