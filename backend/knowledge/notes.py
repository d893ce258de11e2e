"""Notes that people add to a workspace: a pointer names them, each text lies in a directory that never changes."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, Field

from backend.core.errors import Problem
from backend.knowledge.chunks import chunks
from backend.knowledge.texts import Format
from pipelines.core.errors import NotFound, StoreError
from pipelines.core.names import safe_name
from pipelines.storage.catalog import Reader
from pipelines.storage.pointers import Pointer, Version
from pipelines.storage.store import new_version

FOLDER = "knowledge"  # below the workspace's artifacts: notes.json, notes/<version>/note.txt
POINTER = "notes.json"
FILE = "note.txt"
MAX_NOTES = 200  # of a workspace
MAX_CHUNKS = 10_000  # of all of them


@dataclass(frozen=True)
class Note:
    """`id` is made of the text, so that the same text is one note, whoever adds it and under whatever name."""

    id: str
    name: str
    text: str
    added_at: str
    by: str
    format: Format


class Entry(BaseModel):
    """A note in the pointer; `folder` holds its text."""

    folder: Version
    name: str
    added_at: str
    by: str
    format: Format
    chunks: Annotated[int, Field(ge=0)]


class Notes(Pointer):
    """`notes.json` of a workspace."""

    remedy = "Restore it from a backup, or delete it and add the notes again."
    notes: dict[str, Entry] = Field(default_factory=dict)


def pointer(reader: Reader, workspace: str) -> Notes:
    """The notes by their ids, in the order in which they came."""
    return Notes.model_validate(
        reader.artifacts.read_pointer(safe_name(workspace, "workspace"), FOLDER, POINTER, shape=Notes)
    )


def all_of(reader: Reader, workspace: str) -> list[Note]:
    """The notes, oldest first, but for one that was deleted a moment ago."""
    found = []
    for note_id, entry in pointer(reader, workspace).notes.items():
        try:
            text = reader.artifacts.folder(workspace, FOLDER, "notes", entry.folder).read_text(FILE)
        except NotFound:
            continue
        found.append(Note(note_id, entry.name, text, entry.added_at, entry.by, entry.format))
    return found


def add(reader: Reader, workspace: str, name: str, text: str, form: Format, by: str) -> tuple[str, bool]:
    """Keeps a note; its id, and whether it is new. Problem 409 where there are too many."""
    note_id, folder = hashlib.sha256(text.encode()).hexdigest()[:16], new_version()
    if note_id in pointer(reader, workspace).notes:
        return note_id, False
    now = datetime.now(UTC).isoformat(timespec="seconds")
    entry = Entry(folder=folder, name=name, added_at=now, by=by, format=form, chunks=len(chunks(text)))

    def change(current: Mapping[str, object]) -> dict[str, object]:
        kept = Notes.model_validate(current).notes
        if len(kept) >= MAX_NOTES or entry.chunks + sum(one.chunks for one in kept.values()) > MAX_CHUNKS:
            raise Problem(
                409,
                f"A workspace keeps {MAX_NOTES} notes of {MAX_CHUNKS:,} sections together at most; this one has "
                f"{entry.chunks:,}. Delete one first, or add a shorter one.",
            )
        return _with({note_id: entry, **kept}, current)  # whoever was first in between stays

    store = reader.artifacts
    draft = store.draft(safe_name(workspace, "workspace"), FOLDER, "notes", folder)
    try:
        draft.write_text(FILE, text)
        draft.publish()
        moved = store.move_pointer(workspace, FOLDER, POINTER, change=change, shape=Notes)
    except BaseException:
        _forget(reader, workspace, folder)
        raise
    first = bool(moved["notes"][note_id]["folder"] == folder)
    if not first:
        _forget(reader, workspace, folder)
    return note_id, first


def delete(reader: Reader, workspace: str, note_id: str) -> None:
    """Forgets a note; NotFound without it."""

    def change(current: Mapping[str, object]) -> dict[str, object]:
        kept = Notes.model_validate(current).notes
        if note_id not in kept:
            raise NotFound(
                f"workspace {workspace} has no note {note_id}",
                field="source_id",
                found=note_id,
                remedy="Use the id of one that is listed.",
            )
        removed.append(kept.pop(note_id).folder)
        return _with(kept, current)

    removed: list[str] = []
    reader.artifacts.move_pointer(workspace, FOLDER, POINTER, change=change, shape=Notes)
    _forget(reader, workspace, removed[-1])


def _with(notes: Mapping[str, Entry], current: Mapping[str, object]) -> dict[str, object]:
    """The pointer with these notes."""
    return {**current, "notes": {note_id: entry.model_dump() for note_id, entry in notes.items()}}


def _forget(reader: Reader, workspace: str, folder: str) -> None:
    """Removes a text that nothing names."""
    try:
        reader.artifacts.remove(workspace, FOLDER, "notes", folder)
    except (StoreError, FileNotFoundError):  # never finished: it does not exist
        reader.artifacts.draft(workspace, FOLDER, "notes", folder).discard()
