"""Forecasts the latest data of a workspace with its production run, and publishes the result."""

from pipelines.forecasting import flows, settings
from scripts import _cli


def inference(workspace: _cli.WorkspaceName, json_log: _cli.JsonLog = False) -> None:
    """Publish new forecasts of a workspace."""
    context = _cli.context(json_log)
    forecast_set = flows.inference(settings.load_workspace(workspace), context)
    context.progress.say("done", forecasts=f"{forecast_set.where}/forecasts.parquet")


main = _cli.command(inference)

if __name__ == "__main__":
    main()
