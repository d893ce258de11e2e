"""Aliases: mutable names for successful runs. `production` is what inference uses and what is served."""

import contextlib
import getpass
import json
import os
import secrets
from datetime import UTC, datetime
from typing import Any

from pipelines.core.errors import Conflict, ForecastError, NotFound, Untrusted
from pipelines.core.names import safe_name
from pipelines.storage.catalog import POINTERS, Reader
from pipelines.storage.folders import Folder
from pipelines.storage.pointers import Aliases

PRODUCTION = "production"
AUDIT = "audit.jsonl"  # a line for each move of an alias, in the order of the pointers' versions


def promote(
    reader: Reader,
    workspace: str,
    run_id: str,
    reason: str,
    alias: str = PRODUCTION,
    expected: int | None = None,
    by: str | None = None,
) -> dict[str, Any]:
    """Points `alias` at a successful run; with `production`, also `published` at that run's newest forecast set.

    One write moves both. `expected` is the pointers' version that the caller has seen; Conflict if they moved on. `by`:
    who moves it, if it is not the user of this process. The move is in the audit file before it can be seen: after a
    crash in between, the line's version is that of the next move. Of the lines of one `move` only the last one counts: on
    an object store it is written again, with a later version, when another writer was faster.
    """
    _refuse_failed(reader.run(workspace, run_id), alias)
    safe_name(alias, "alias")
    move_id = secrets.token_hex(4)

    def change(current: dict[str, Any]) -> dict[str, Any]:
        aliases = current.get("aliases", {})
        before = aliases.get(alias, {})
        named = {
            "run_id": run_id,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "by": by or _user(),
            "reason": reason,
            "previous": before.get("previous" if before.get("run_id") == run_id else "run_id"),
        }
        move = {
            "version": current["version"] + 1,
            "move": move_id,
            "alias": alias,
            "from": before.get("run_id"),
            "to": run_id,
            **{key: named[key] for key in ("at", "by", "reason")},
        }
        reader.artifacts.append(workspace, AUDIT, line=json.dumps(move))
        moved = {**current, "aliases": {**aliases, alias: named}}
        newest = newest_forecast_set(reader, workspace, run_id) if alias == PRODUCTION else None
        return moved if newest is None else {**moved, "published": newest}

    return reader.artifacts.move_pointer(workspace, POINTERS, change=change, expected=expected, shape=Aliases)


def _refuse_failed(run: Folder, alias: str) -> None:
    if run.read_json("run.json")["status"] != "success":
        raise ForecastError(
            f"run {run.name} did not succeed and cannot become {alias}",
            code="run_did_not_succeed",
            field="run_id",
            found=run.name,
            remedy="Choose a run that succeeded.",
        )


def rollback(
    reader: Reader, workspace: str, reason: str, alias: str = PRODUCTION, by: str | None = None
) -> dict[str, Any]:
    """Points `alias` at the run it named before; once more, and it is where it was."""
    pointers = reader.pointers(workspace)
    current = pointers["aliases"].get(alias)
    if current is None or not current.get("previous"):
        raise NotFound(
            f"alias {alias} of workspace {workspace} has no earlier run to go back to",
            code="no_earlier_run",
            found=alias,
            remedy="Name the run to promote.",
        )
    return promote(reader, workspace, current["previous"], reason, alias, expected=pointers["version"], by=by)


def publish(reader: Reader, workspace: str, forecast_set: Folder, run_id: str, as_of: str) -> dict[str, Any]:
    """Serves a finished forecast set; Conflict when `production` is another run by now."""
    pointer = {"forecast_id": forecast_set.name, "run_id": run_id, "as_of": as_of}

    def change(current: dict[str, Any]) -> dict[str, Any]:
        production = current.get("aliases", {}).get(PRODUCTION, {}).get("run_id")
        if production != run_id:
            raise Conflict(
                f"production is run {production} by now, not {run_id}", found=production, remedy="Run inference again."
            )
        return {**current, "published": pointer}

    return reader.artifacts.move_pointer(workspace, POINTERS, change=change, shape=Aliases)


def newest_forecast_set(reader: Reader, workspace: str, run_id: str) -> dict[str, str] | None:
    """The pointer to the newest intact forecast set of a run, or None if it has none."""
    later = [forecast_id for forecast_id in reader.forecast_sets(workspace) if forecast_id > run_id]
    for forecast_id in reversed(later):
        with contextlib.suppress(NotFound, Untrusted):  # what cannot be served does not stand in the way
            info = reader.forecast_set(workspace, forecast_id).read_json("inference.json")
            if info["run_id"] == run_id:
                return {"forecast_id": forecast_id, "run_id": run_id, "as_of": info["as_of"]}
    return None


def _user() -> str:
    """Who moves the alias; the number of a user who has no name, as in a container."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
