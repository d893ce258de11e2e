"""Takes a workspace from its source to published forecasts, and monitors and shows the results.

Only forecasts that have actuals are monitored. Steps that are already up to date are skipped. With `--json-log` nothing
is shown: no picture is written, and none of its libraries is needed.
"""

from typing import Annotated

import typer

from pipelines.forecasting import flows, settings
from scripts import _cli

Force = Annotated[bool, typer.Option("--force", help="Train again even if nothing changed, and promote the result.")]


def run_all(workspace: _cli.WorkspaceName, force: Force = False, json_log: _cli.JsonLog = False) -> None:
    """Run ETL, training, inference and, once there are actuals to compare with, monitoring of a workspace."""
    context = _cli.context(json_log)
    flows.run_all(settings.load_workspace(workspace), context, force=force)
    if not json_log:
        from scripts import showing

        showing.show([workspace], context)


main = _cli.command(run_all)

if __name__ == "__main__":
    main()
