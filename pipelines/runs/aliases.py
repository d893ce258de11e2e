"""Aliases: mutable names for successful runs. `production` is what inference uses and what is served."""

import contextlib
import getpass
import json
import os
import secrets
from datetime import UTC, datetime

from pipelines.core.errors import Conflict, ForecastError, NotFound, Untrusted
from pipelines.core.names import safe_name
from pipelines.storage.catalog import Reader
from pipelines.storage.folders import Folder
from pipelines.storage.pointers import Alias, Aliases, Served
from pipelines.storage.records import ForecastSet, Run
from pipelines.storage.store import Stores

PRODUCTION = "production"


def promote(
    stores: Stores,
    workspace: str,
    run_id: str,
    reason: str,
    alias: str = PRODUCTION,
    expected: int | None = None,
    by: str | None = None,
) -> Aliases:
    """Points `alias` at a successful run, and for `production` also `published` at that run's newest forecast set.

    One write moves both. `expected` is the version of the pointers that the caller has seen; Conflict if it has
    changed. `by`: who moves it, if not the user of this process. The move is written to the audit file before it
    becomes visible: after a crash in between, the next move has the version of that line. Of several lines with the
    same `move` only the last one counts: on an object store, the line is written again with a later version if another
    writer was faster.
    """
    _refuse_failed(stores.run(workspace, run_id), alias)
    safe_name(alias, "alias")
    move_id, places = secrets.token_hex(4), stores.places(workspace)

    def change(now: Aliases) -> Aliases:
        before = now.aliases.get(alias)
        previous = None if before is None else before.previous if before.run_id == run_id else before.run_id
        at = datetime.now(UTC).isoformat(timespec="seconds")
        named = Alias(run_id=run_id, at=at, by=by or _user(), reason=reason, previous=previous)
        move = {
            "version": now.version + 1,
            "move": move_id,
            "alias": alias,
            "from": before.run_id if before else None,
            "to": run_id,
            **{key: getattr(named, key) for key in ("at", "by", "reason")},
        }
        stores.artifacts.append(places.audit, json.dumps(move))
        moved = now.changed(aliases={**now.aliases, alias: named})
        newest = newest_forecast_set(stores, workspace, run_id) if alias == PRODUCTION else None
        return moved if newest is None else moved.changed(published=newest)

    return stores.artifacts.move_pointer(places.pointers, Aliases, change, expected)


def _refuse_failed(run: Folder, alias: str) -> None:
    if not Run.of(run).succeeded:
        raise ForecastError(
            f"run {run.name} did not succeed and cannot become {alias}",
            code="run_did_not_succeed",
            field="run_id",
            found=run.name,
            remedy="Choose a run that succeeded.",
        )


def rollback(stores: Stores, workspace: str, reason: str, alias: str = PRODUCTION, by: str | None = None) -> Aliases:
    """Points `alias` at the run it named before; a second rollback undoes the first."""
    pointers = stores.pointers(workspace)
    current = pointers.aliases.get(alias)
    if current is None or not current.previous:
        raise NotFound(
            f"alias {alias} of workspace {workspace} has no earlier run to go back to",
            code="no_earlier_run",
            found=alias,
            remedy="Name the run to promote.",
        )
    return promote(stores, workspace, current.previous, reason, alias, expected=pointers.version, by=by)


def publish(stores: Stores, workspace: str, forecast_set: Folder, run_id: str, as_of: str) -> Aliases:
    """Serves a finished forecast set; Conflict if `production` has become another run."""
    served = Served(forecast_id=forecast_set.name, run_id=run_id, as_of=as_of)

    def change(now: Aliases) -> Aliases:
        production = now.production.run_id if now.production else None
        if production != run_id:
            raise Conflict(
                f"production is run {production} by now, not {run_id}", found=production, remedy="Run inference again."
            )
        return now.changed(published=served)

    return stores.artifacts.move_pointer(stores.places(workspace).pointers, Aliases, change)


def newest_forecast_set(reader: Reader, workspace: str, run_id: str) -> Served | None:
    """The pointer to the newest intact forecast set of a run, or None if it has none."""
    later = [forecast_id for forecast_id in reader.forecast_sets(workspace) if forecast_id > run_id]
    for forecast_id in reversed(later):
        with contextlib.suppress(NotFound, Untrusted):  # skips sets that cannot be served
            info = ForecastSet.of(reader.forecast_set(workspace, forecast_id))
            if info.run_id == run_id:
                return Served(forecast_id=forecast_id, run_id=run_id, as_of=info.as_of)
    return None


def _user() -> str:
    """The user who moves the alias, or the user id if there is no name, as in a container."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
