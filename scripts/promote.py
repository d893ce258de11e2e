"""Moves an alias of a workspace to another successful run, or back to the previous one."""

from typing import Annotated

import typer

from pipelines.runs import aliases
from scripts import _cli

Run = Annotated[str | None, typer.Option("--run", help="The run to point at; without it, the one before.")]
Alias = Annotated[str, typer.Option("--alias", help="The alias to move.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept with the alias.")]


def promote(
    workspace: _cli.WorkspaceName,
    run: Run = None,
    alias: Alias = aliases.PRODUCTION,
    reason: Reason = "by hand",
    json_log: _cli.JsonLog = False,
) -> None:
    """Point an alias at a run, or roll it back."""
    context = _cli.context(json_log)
    if run is None:
        pointers = aliases.rollback(context.stores, workspace, reason, alias)
    else:
        pointers = aliases.promote(context.stores, workspace, run, reason, alias)
    served = pointers.published
    context.progress.say(
        "done", alias=alias, run_id=pointers.aliases[alias].run_id, published=served and served.model_dump()
    )


main = _cli.command(promote)

if __name__ == "__main__":
    main()
