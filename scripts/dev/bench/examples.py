"""Flows of the demo and example workspaces: seconds, memory, and the errors of champions and baseline."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from pipelines.core.figures import number, percent
from scripts.dev.bench import page, site
from scripts.dev.bench.site import ROOT, Ran

EXAMPLES = {"rossmann": "rossmann_daily_grid.parquet", "gefcom2012": "gefcom2012_load_hourly.parquet"}
DEMO = ("electricity", "retail")


def known(data: Path) -> list[str]:
    """Workspaces that can be measured: those of the demo, and the examples whose files are in `data`."""
    return [*DEMO, *(name for name, file in EXAMPLES.items() if (data / file).exists())]


def run(name: str, data: Path) -> Ran:
    """Runs the three flows of a workspace in sequence, in an empty folder."""
    variables = {"FORECAST_CONFIG_DIR": str(ROOT / "configs")}
    if name in EXAMPLES:
        variables["FORECAST_CONFIG_DIR"] = str(ROOT / "tests/examples")
        variables["FORECAST_SOURCE__PATH"] = str(data.resolve() / EXAMPLES[name])
    with tempfile.TemporaryDirectory() as folder:
        return site.run(Path(folder), name, variables)


def write_page(path: Path, measured: Sequence[Ran]) -> None:
    """Writes the figures as a page."""
    head = ["workspace", "series", "rows", "ETL s", "train s", "inference s", "peak MiB", "metric", "champions"]
    rows = [
        [
            ran.name,
            f"{ran.run['summary']['n_series']:,}",
            f"{ran.counts['rows_in']:,}",
            *(f"{seconds:.0f}" for seconds in ran.seconds.values()),
            f"{ran.total.peak_mb:,.0f}",
            f"{ran.run['summary']['metric'].upper()}, {ran.run['summary']['windows']} windows, "
            f"horizon {ran.run['config']['horizon']}",
            number(ran.run["summary"]["champion"]),
            number(ran.run["summary"]["baseline"]),
            *(percent(value) for value in (ran.run["summary"]["skill"], *ran.run["summary"]["coverage"].values())),
        ]
        for ran in measured
    ]
    paragraphs = [
        f"The flows as a user starts them. {page.machine()}",
        page.table([*head, "seasonal naive", "skill", "80 % covers", "95 % covers"], rows),
        "Champions are chosen on the windows they are judged on; coverage is of windows that the intervals have not seen.",
    ]
    panels = [
        page.Bars(
            "skill over the seasonal naive, %", {ran.name: 100 * ran.run["summary"]["skill"] for ran in measured}
        ),
        page.Bars("seconds, all flows", {ran.name: ran.total.seconds for ran in measured}),
        page.Bars("peak MiB", {ran.name: ran.total.peak_mb for ran in measured}),
    ]
    page.write(path, "The flows, measured", paragraphs, panels)
