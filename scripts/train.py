"""Backtests a workspace's candidates, fits the champions, and promotes the run unless it is worse than production."""

from typing import Annotated

import typer

from pipelines.forecasting import flows, settings
from scripts import _cli

Force = Annotated[bool, typer.Option("--force", help="Promote the run even if it is worse than production.")]


def train(workspace: _cli.WorkspaceName, force: Force = False, json_log: _cli.JsonLog = False) -> None:
    """Train a workspace on its current data."""
    context = _cli.context(json_log)
    trained = flows.train(settings.load_workspace(workspace), context, force=force)
    context.progress.say(
        "promoted" if trained.promoted else "not promoted", run_id=trained.run.name, reason=trained.reason
    )
    if not trained.promoted:
        context.progress.say(
            "to use it all the same",
            command=f"python scripts/promote.py --workspace {workspace} --run {trained.run.name}",
        )
    context.progress.say("done", card=f"{trained.run.where}/card.md")


main = _cli.command(train)

if __name__ == "__main__":
    main()
