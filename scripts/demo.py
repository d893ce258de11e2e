"""The demo: two workspaces from source to published forecasts, with nothing but what is installed."""

from pipelines import flows, settings
from scripts import _cli, showing

WORKSPACES = ("electricity", "retail")


def demo(json_log: _cli.JsonLog = False) -> None:
    """Run the demo's workspaces and show what they forecast."""
    context = _cli.context(json_log)
    for name in WORKSPACES:
        workspace = settings.load_workspace(name)
        context.progress.say(f"== {name}", title=workspace.title)
        flows.run_all(workspace, context)
    showing.show(WORKSPACES, context)


main = _cli.command(demo)

if __name__ == "__main__":
    main()
