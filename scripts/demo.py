"""The demo: two workspaces from source to published forecasts, and a third one replayed with monitoring on."""

from dataclasses import replace

from pipelines.core.progress import Silent
from pipelines.forecasting import flows, settings
from pipelines.forecasting.settings import SourceSpec
from scripts import _cli, showing
from scripts.simulate import Shift, replay

WORKSPACES = ("electricity", "retail")
REPLAYED, STEPS, EVERY = "replay", 9, 7  # a small retail panel, replayed over nine weeks
SOURCE = SourceSpec.model_validate({"kind": "retail_demo", "stores": 4, "products": 5, "end": "2024-09-30"})
SHIFT = Shift("Bath/", factor=2.5, at=6)  # in the last three weeks one store sells more


def demo(json_log: _cli.JsonLog = False) -> None:
    """Run the demo's workspaces, and show their forecasts and monitoring results."""
    context = _cli.context(json_log)
    for name in WORKSPACES:
        workspace = settings.load_workspace(name)
        context.progress.say(f"== {name}", title=workspace.title)
        flows.run_all(workspace, context)
    replayed = settings.load_workspace(REPLAYED)
    context.progress.say(f"== {REPLAYED}", title=replayed.title)
    replay(SOURCE, replayed, replace(context, progress=Silent()), STEPS, EVERY, SHIFT)
    showing.show(WORKSPACES, context)
    showing.show_monitoring([REPLAYED], context)


main = _cli.command(demo)

if __name__ == "__main__":
    main()
