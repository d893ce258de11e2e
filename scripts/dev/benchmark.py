"""Benchmarks of time, memory and accuracy: on the example workspaces, and against other libraries on M4 Hourly and M5.

Each program runs in its own process and in an empty folder, so that figures do not depend on earlier runs. A complete
run writes its page to docs/benchmarks; a trial on a few series or without rivals, to artifacts/benchmarks.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from pipelines.core.errors import DataError
from pipelines.storage import layout
from scripts import _cli
from scripts.dev.bench import (
    api,
    app,
    contest,
    copilot,
    covariates,
    examples,
    m4,
    m5,
    monitoring,
    proof,
    replays,
    rivals,
    scale,
    soak,
    tree,
)
from scripts.dev.bench.site import ROOT

DOCS, TRIES = ROOT / "docs/benchmarks", ROOT / "artifacts" / str(layout.BENCHMARKS)

Workspaces = Annotated[list[str] | None, typer.Option("--workspace", "-w", help="Which to measure; without it, all.")]
Data = Annotated[Path, typer.Option("--data", help="The folder that holds the competitions' and examples' files.")]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="The folder of the page.")]
WithRivals = Annotated[bool, typer.Option("--rivals/--no-rivals", help="Whether others forecast the same series.")]
Rivals = Annotated[list[str] | None, typer.Option("--rival", help="Which others; may be repeated.")]
Series = Annotated[int | None, typer.Option("--sample", "--series", min=2, help="A seeded sample of so many series.")]
Slow = Annotated[int, typer.Option("--slow", min=1, help="So many series for those that need minutes for each.")]
Cache = Annotated[Path | None, typer.Option("--cache", help="Where others' forecasts are kept for the next time.")]
Timeout = Annotated[float, typer.Option("--timeout", help="Seconds after which another's program is ended.")]
Requests = Annotated[int, typer.Option("--requests", min=100, help="Requests of the long run.")]
Seed = Annotated[int, typer.Option("--seed")]
Sizes = Annotated[list[int], typer.Option("--size", min=2, help="Numbers of series; may be repeated.")]

Minutes = Annotated[int, typer.Option("--minutes", min=2, help="Of steady work.")]

Found = TypeVar("Found")

DATA = ROOT.parent / "shared/data"


def pipelines(workspace: Workspaces = None, data: Data = DATA, output: Output = None) -> None:
    """Measure the flows of workspaces: those of the demo, and the examples whose files are in --data."""
    reporter = _cli.Reporter(json_log=False)
    known = examples.known(data)
    if missing := sorted(set(examples.EXAMPLES) - set(known)):
        reporter.say("left out", examples=", ".join(missing), reason=f"no file in {data}")
    if unknown := sorted(set(workspace or []) - set(known)):
        raise typer.BadParameter(f"{', '.join(unknown)} cannot be measured; valid: {', '.join(known)}")
    measured = []
    for name in workspace or known:
        measured.append(examples.run(name, data))
        reporter.say("measured", workspace=name, **measured[-1].seconds)
    page = _page("pipelines", output, complete=workspace is None and not missing)
    examples.write_page(page, measured)
    reporter.say("done", page=str(page))


def m4_hourly(
    data: Data = DATA,
    output: Output = None,
    with_rivals: WithRivals = True,
    rival: Rivals = None,
    sample: Series = None,
    slow: Slow = 4,
    cache: Cache = None,
    timeout: Timeout = 3600,
    seed: Seed = 1,
) -> None:
    """Forecast the 414 hourly series of the M4 competition, and compare with other libraries."""
    reporter, names = _cli.Reporter(json_log=False), _names(with_rivals, rival, m4.RIVALS)
    _require(data, [m4.FILE])
    panel = m4.load(data, sample, seed)
    alone = m4.ALONE if with_rivals and not rival else ()
    figures = contest.run(panel, names, slow=slow, cache=cache, timeout=timeout, say=reporter.say, alone=alone)
    page = _page("m4-hourly", output, complete=sample is None and set(m4.RIVALS) <= set(names))
    m4.write_page(page, panel, figures)
    reporter.say("done", page=str(page))


def m5_daily(
    data: Data = DATA,
    output: Output = None,
    with_rivals: WithRivals = True,
    rival: Rivals = None,
    series: Series = None,
    cache: Cache = ROOT / "data/cache",
    timeout: Timeout = 7200,
    seed: Seed = 1,
) -> None:
    """Forecast the 30,490 daily series of the M5 competition, and compare with other libraries."""
    reporter, names = _cli.Reporter(json_log=False), _names(with_rivals, rival, m5.RIVALS)
    _require(data, m5.FILES)
    panel = m5.load(data, series, seed)
    figures = contest.run(panel, names, slow=0, cache=cache, timeout=timeout, say=reporter.say)
    page = _page("m5", output, complete=series is None and set(m5.RIVALS) <= set(names))
    m5.write_page(page, panel, figures)
    reporter.say("done", page=str(page))


def scaling(data: Data = DATA, output: Output = None, size: Sizes = list(scale.SIZES), seed: Seed = 1) -> None:  # noqa: B006
    """Measure the flows on growing samples of M5, and on one series of 100,000 steps."""
    reporter = _cli.Reporter(json_log=False)
    _require(data, m5.FILES)
    page = _page("scale", output, complete=tuple(size) == scale.SIZES)
    sizes = scale.run(data, size, seed, reporter.say)
    longest = scale.long(scale.STEPS, seed)
    reporter.say("measured", steps=scale.STEPS, **longest.seconds)
    scale.write_page(page, sizes, longest, seed)
    reporter.say("done", page=str(page))


def worth(data: Data = DATA, output: Output = None) -> None:
    """Measure how much promotions and holidays improve forecasts of the Rossmann stores' sales."""
    reporter = _cli.Reporter(json_log=False)
    _require(data, [examples.EXAMPLES[covariates.WORKSPACE].removesuffix(".parquet")])
    page = _page("covariates", output, complete=True)
    covariates.write_page(page, covariates.run(data, reporter.say))
    reporter.say("done", page=str(page))


def service(output: Output = None, series: Series = None, requests: Requests = 100_000, seed: Seed = 1) -> None:
    """Put the API under load, on a synthetic workspace as large as M5."""
    _made_up(
        "api", lambda n, say: api.run(n, requests, seed, say), api.write_page, output, series,
        complete=requests >= 100_000,
    )  # fmt: skip


def web_app(output: Output = None, series: Series = None, seed: Seed = 1) -> None:
    """Use the web app in Chromium, on a synthetic workspace as large as M5."""
    _made_up("app", lambda n, say: app.run(n, seed, say), app.write_page, output, series)


def answers(output: Output = None, series: Series = None, seed: Seed = 1) -> None:
    """Ask the offline copilot, on a synthetic workspace as large as M5."""
    _made_up("copilot", lambda n, say: copilot.run(n, seed, say), copilot.write_page, output, series)


def watching(data: Data = DATA, output: Output = None, series: Series = None, seed: Seed = 1) -> None:
    """Measure drift over as many series as M5 has, and replay real panels with monitoring on and a shift."""
    _require(data, [examples.EXAMPLES[scene.example].removesuffix(".parquet") for scene in replays.SCENES])
    _made_up(
        "monitoring", lambda n, say: monitoring.run(n, data, seed, say),
        lambda page, figures, load: monitoring.write_page(page, figures, seed, load), output, series,
    )  # fmt: skip


def proven(output: Output = None, series: Series = None, minutes: Minutes = 10, seed: Seed = 1) -> None:
    """Run all proofs of the tests in full (about half an hour), and some minutes of steady load."""
    _made_up(
        "proof", lambda n, say: (proof.tests(), soak.run(minutes, n, seed, say)),
        lambda page, figures, load: proof.write_page(page, *figures, load), output, series, complete=minutes >= 10,
    )  # fmt: skip


def _made_up(
    name: str,
    run: Callable[[int, Callable[..., None]], Found],
    write: Callable[[Path, Found, str], None],
    output: Path | None,
    series: int | None,
    *,
    complete: bool = True,
) -> None:
    """Writes a page of the results of `run` on `series` synthetic series, by default as many as M5 has."""
    reporter, busy = _cli.Reporter(json_log=False), os.getloadavg()[0]
    figures = run(series or tree.SERIES, reporter.say)
    page = _page(name, output, complete=complete and series is None)
    write(page, figures, f"The machine's load was {busy:.1f} before and {os.getloadavg()[0]:.1f} after.")
    reporter.say("done", page=str(page))


def _names(wanted: bool, chosen: Sequence[str] | None, usual: Sequence[str]) -> list[str]:
    if unknown := sorted(set(chosen or []) - set(rivals.RIVALS)):
        raise typer.BadParameter(f"{', '.join(unknown)}: valid are {', '.join(rivals.RIVALS)}")
    return list(chosen or usual) if wanted else []


def _require(data: Path, files: Sequence[str]) -> None:
    if missing := [name for name in files if not (data / f"{name}.parquet").exists()]:
        raise DataError(
            f"{', '.join(f'{name}.parquet' for name in missing)} is missing",
            where=str(data),
            code="file_not_found",
            found=missing,
            remedy="Name the folder with --data.",
        )


def _page(name: str, output: Path | None, *, complete: bool) -> Path:
    return (output or (DOCS if complete else TRIES)) / f"{name}.md"


main = _cli.commands(
    {
        "pipelines": pipelines,
        "m4-hourly": m4_hourly,
        "m5": m5_daily,
        "scale": scaling,
        "covariates": worth,
        "api": service,
        "app": web_app,
        "copilot": answers,
        "monitoring": watching,
        "proof": proven,
    }
)

if __name__ == "__main__":
    main()
