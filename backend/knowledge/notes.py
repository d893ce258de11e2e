"""Notes that people add to a workspace. A pointer lists them; each text is in an immutable directory."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field

from backend.core.errors import Problem
from backend.knowledge.chunks import chunks
from backend.knowledge.texts import Format
from pipelines.core.documents import Stored
from pipelines.core.errors import NotFound, StoreError
from pipelines.core.names import new_version
from pipelines.storage.catalog import Reader
from pipelines.storage.pointers import Pointer
from pipelines.storage.records import Version
from pipelines.storage.store import Stores

FILE = "note.txt"
MAX_NOTES = 200  # per workspace
MAX_CHUNKS = 10_000  # over all notes of a workspace


@dataclass(frozen=True)
class Note:
    """A note. `id` is a hash of the text, so the same text is one note, whoever adds it and under any name."""

    id: str
    name: str
    text: str
    added_at: str
    by: str
    format: Format


class Entry(Stored):
    """A note in the pointer; `folder` contains its text."""

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
    """The notes by ID, oldest first."""
    return reader.artifacts.read_pointer(reader.places(workspace).current_notes, Notes)


def all_of(reader: Reader, workspace: str) -> list[Note]:
    """The notes, oldest first, skipping any that was deleted meanwhile."""
    notes, places = [], reader.places(workspace)
    for note_id, entry in pointer(reader, workspace).notes.items():
        try:
            text = reader.artifacts.folder(places.note(entry.folder)).read_text(FILE)
        except NotFound:
            continue
        notes.append(Note(note_id, entry.name, text, entry.added_at, entry.by, entry.format))
    return notes


def add(stores: Stores, workspace: str, name: str, text: str, form: Format, by: str) -> tuple[str, bool]:
    """Stores a note; returns its ID and whether it is new. Problem 409 if there are too many."""
    note_id, folder = hashlib.sha256(text.encode()).hexdigest()[:16], new_version()
    if note_id in pointer(stores, workspace).notes:
        return note_id, False
    added_at = datetime.now(UTC).isoformat(timespec="seconds")
    entry = Entry(folder=folder, name=name, added_at=added_at, by=by, format=form, chunks=len(chunks(text)))

    def change(now: Notes) -> Notes:
        if len(now.notes) >= MAX_NOTES or entry.chunks + sum(one.chunks for one in now.notes.values()) > MAX_CHUNKS:
            raise Problem(
                409,
                f"A workspace keeps {MAX_NOTES} notes of {MAX_CHUNKS:,} sections together at most; this one has "
                f"{entry.chunks:,}. Delete one first, or add a shorter one.",
            )
        return now.changed(notes={note_id: entry, **now.notes})  # an earlier addition of the same text is kept

    store, places = stores.artifacts, stores.places(workspace)
    draft = store.draft(places.note(folder))
    try:
        draft.write_text(FILE, text)
        draft.publish()
        moved = store.move_pointer(places.current_notes, Notes, change)
    except BaseException:
        _forget(stores, workspace, folder)
        raise
    first = moved.notes[note_id].folder == folder
    if not first:
        _forget(stores, workspace, folder)
    return note_id, first


def delete(stores: Stores, workspace: str, note_id: str) -> None:
    """Deletes a note; NotFound if it does not exist."""

    def change(now: Notes) -> Notes:
        kept = dict(now.notes)
        if note_id not in kept:
            raise NotFound(
                f"workspace {workspace} has no note {note_id}",
                field="source_id",
                found=note_id,
                remedy="Use the id of one that is listed.",
            )
        removed.append(kept.pop(note_id).folder)
        return now.changed(notes=kept)

    removed: list[str] = []
    stores.artifacts.move_pointer(stores.places(workspace).current_notes, Notes, change)
    _forget(stores, workspace, removed[-1])


def _forget(stores: Stores, workspace: str, folder: str) -> None:
    """Removes a text that no note refers to."""
    place = stores.places(workspace).note(folder)
    try:
        stores.artifacts.remove(place)
    except (StoreError, FileNotFoundError):  # its write was never finished: it does not exist
        stores.artifacts.draft(place).discard()
