"""Searchable sources of a workspace as texts. The same input always gives the same text."""

import hashlib
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import structlog

from backend.knowledge import dictionary, notes, reports
from backend.knowledge.texts import clean
from pipelines.core import config
from pipelines.core.errors import ForecastError, NotFound, StoreError
from pipelines.forecasting.monitoring import alerts
from pipelines.storage import disk
from pipelines.storage.catalog import Reader
from pipelines.storage.records import Run

Kind = Literal["run card", "quality report", "dictionary", "alerts", "note", "help", "project"]

PROJECT = Path(__file__).parents[2]
# In a wheel, the pages are part of the package: pyproject.toml.
HELP = next((path for path in (Path(__file__).parent / "help", PROJECT / "docs/help") if path.is_dir()), PROJECT)

_EARLIER = 2  # runs before the production run whose cards are included
_PAST = 0.8  # weight of sources that are no longer current
_LEFT_OUT = ("docs/README.md", "docs/decisions/README.md", "docs/LICENCES.md")  # lists without an explanation


@dataclass(frozen=True)
class Source:
    """A text with a name for people. `id` stays when the text changes, except that of a note, which is a hash of its
    text.
    """

    id: str
    name: str
    kind: Kind
    text: str
    added_at: str | None = None
    by: str | None = None
    weight: float = 1.0  # of its chunks in the ranking

    @cached_property
    def digest(self) -> str:
        """Hash of everything that its chunks are made of."""
        return hashlib.sha256("\0".join((self.kind, self.name, self.text)).encode()).hexdigest()


def mark(reader: Reader, workspace: str) -> Hashable:
    """A value that changes whenever a source does: versions of pointers and metadata of files. Opens none of the
    sources.
    """
    return (
        _known(lambda: reader.pointers(workspace).version),
        _known(lambda: reader.current_data(workspace).version),
        _known(lambda: reader.current_monitoring(workspace).version),
        _known(lambda: notes.pointer(reader, workspace).version),
        # on an object store: see current_monitoring
        reader.artifacts.looks(reader.places(workspace).alerts),
        tuple(disk.looks(str(path)) for path in [*config.places(workspace, config.workspace_files()), *_help()]),
    )


def project_mark() -> Hashable:
    """A value that changes whenever a page of the product's documentation does."""
    return tuple(disk.looks(str(path)) for path in _documents())


def of_project() -> list[Source]:
    """Every page of the product's documentation: the same for all workspaces."""
    return [page for path in _documents() for page in _page(path, path.relative_to(PROJECT).as_posix(), "project")]


def _known(read: Callable[[], Hashable]) -> Hashable:
    """The value of a pointer; for a damaged one, its error, so that it hides no other source."""
    try:
        return read()
    except StoreError as error:
        return str(error)


def collect(reader: Reader, workspace: str) -> tuple[list[Source], bool]:
    """Every source of the workspace, the most informative kind first, and whether all could be read: a damaged one hides no other."""
    sources: list[Source] = []
    whole = True
    makers: tuple[Callable[[Reader, str], Iterator[Source]], ...] = (
        _of_dictionary, _of_runs, _of_quality, _of_alerts, _of_notes, _of_help
    )  # fmt: skip
    for maker in makers:
        try:
            sources += maker(reader, workspace)
        except Exception as error:  # noqa: BLE001 - a damaged file may raise anything; other sources are still found
            whole = False
            structlog.get_logger("backend").warning(
                "source left out", workspace=workspace, reason=str(error), exc_info=not isinstance(error, ForecastError)
            )
    return sources, whole


def _of_dictionary(reader: Reader, workspace: str) -> Iterator[Source]:
    try:
        trained = Run.of(reader.production(workspace)).config
    except NotFound:
        trained = {}
    text = dictionary.render(workspace, config.as_written(workspace), trained)
    yield Source(_id("dictionary"), "data dictionary", "dictionary", clean(text))


def _of_runs(reader: Reader, workspace: str) -> Iterator[Source]:
    """The cards of the production run, of other runs with an alias, and of the latest runs before production."""
    pointers = reader.pointers(workspace)
    if pointers.production is None:
        return
    aliases, production = pointers.aliases, pointers.production.run_id
    roles = {aliases[name].run_id: name for name in sorted(aliases, key=lambda name: name == "production")}
    earlier = [name for name in reader.runs(workspace) if name < production and name not in roles]
    for run_id in (*reversed(roles), *reversed(earlier[-_EARLIER:])):
        run = reader.run(workspace, run_id)
        if "card.md" in run.files:
            name, weight = f"{roles.get(run_id, 'earlier')} run {run_id}", 1.0 if run_id in roles else _PAST
            yield Source(_id("run", run_id), name, "run card", clean(run.read_text("card.md")), weight=weight)


def _of_quality(reader: Reader, workspace: str) -> Iterator[Source]:
    try:
        dataset = reader.dataset(workspace)
    except NotFound:
        return
    text = reports.quality(dataset.version, dataset.info, dataset.quality)
    yield Source(_id("quality"), f"quality of data {dataset.version}", "quality report", clean(text))


def _of_alerts(reader: Reader, workspace: str) -> Iterator[Source]:
    raised = alerts.all_of(reader, workspace)
    if raised:
        yield Source(_id("alerts"), "alerts of monitoring", "alerts", clean(reports.alerts(raised)))


def _of_notes(reader: Reader, workspace: str) -> Iterator[Source]:
    for note in notes.all_of(reader, workspace):
        yield Source(note.id, note.name, "note", note.text, note.added_at, note.by)


def _of_help(reader: Reader, workspace: str) -> Iterator[Source]:
    for path in _help():
        yield from _page(path, f"help/{path.name}", "help")


def _page(path: Path, name: str, kind: Kind) -> Iterator[Source]:
    try:
        text = clean(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return
    yield Source(_id(name), name, kind, text)


def _help() -> list[Path]:
    """Pages for analysts."""
    return sorted(HELP.glob("*.md"))


def _documents() -> list[Path]:
    """Pages about the product itself: README, docs and the API reference."""
    pages = [PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md"))]
    return [path for path in pages if path.parent != HELP and path.relative_to(PROJECT).as_posix() not in _LEFT_OUT]


def _id(*parts: str) -> str:
    """An ID as long as that of a note, but never equal to one: a note's ID is a hash of its text alone."""
    return hashlib.sha256("\0".join(("source", *parts)).encode()).hexdigest()[:16]
