"""Compares a workspace's forecasts with actuals, checks its data for drift, and raises alerts. Can run on a schedule."""

from typing import Annotated

import typer

from pipelines.forecasting import flows, settings
from scripts import _cli

Report = Annotated[bool, typer.Option(help="Also make the page by Evidently, which takes some seconds.")]


def monitor(workspace: _cli.WorkspaceName, report: Report = True, json_log: _cli.JsonLog = False) -> None:
    """Monitor a workspace; does nothing if there is no new data."""
    context = _cli.context(json_log)
    folder = flows.monitor(settings.load_workspace(workspace), context, with_report=report)
    context.progress.say("done", summary=f"{folder.where}/summary.json")


main = _cli.command(monitor)

if __name__ == "__main__":
    main()
