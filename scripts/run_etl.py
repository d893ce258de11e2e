"""Loads a workspace's data: snapshot, cleaning, quality checks. Unchanged data make no new version."""

from pipelines.forecasting import flows, settings
from scripts import _cli


def run_etl(workspace: _cli.WorkspaceName, json_log: _cli.JsonLog = False) -> None:
    """Load a workspace's data and check them."""
    context = _cli.context(json_log)
    dataset = flows.etl(settings.load_workspace(workspace), context)
    for check in dataset.quality.checks:
        if check.status != "pass":
            context.progress.say(f"{check.status}: {check.name}", message=check.message)
    context.progress.say("done", data=dataset.folder.where)


main = _cli.command(run_etl)

if __name__ == "__main__":
    main()
