"""Shared by all command lines: options, progress, log lines, and the exit codes 0 success, 1 failure, 2 usage error."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import structlog
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from pipelines.core import config
from pipelines.core.errors import ForecastError, UnknownName
from pipelines.core.orphans import end_with_owner

if TYPE_CHECKING:  # takes seconds to import; commands that read no table do without it
    from pipelines.forecasting.flows import Context

T = TypeVar("T")

WorkspaceName = Annotated[str, typer.Option("--workspace", "-w", help="A file configs/workspaces/<name>.yaml.")]
JsonLog = Annotated[bool, typer.Option("--json-log", help="One JSON object a line, for machines.")]

_LINES = 10  # progress lines per stage without a terminal


class Reporter:
    """Progress as a bar on a terminal, otherwise as a few plain lines; events as log lines. All on stderr."""

    def __init__(self, json_log: bool) -> None:
        self.console = Console(stderr=True)
        self.bar = self.console.is_terminal and not json_log
        renderer = structlog.processors.JSONRenderer() if json_log else _plain
        structlog.configure(
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso" if json_log else "%H:%M:%S", utc=json_log),
                renderer,
            ],
            logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        )
        self.log = structlog.get_logger()

    def say(self, event: str, **facts: object) -> None:
        self.log.info(event, **facts)

    def track(self, items: Iterable[T], stage: str, total: int) -> Iterator[T]:
        if self.bar:
            columns = (TextColumn("{task.description:>9}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
            with Bar(*columns, TimeRemainingColumn(), console=self.console, transient=True) as bar:
                yield from bar.track(items, total=total, description=stage)
            return
        for done, item in enumerate(items, start=1):
            yield item
            if done == total or (total > 1 and done % max(1, total // _LINES) == 0):
                self.say(stage, done=done, total=total)


def _plain(_: Any, __: str, event: Any) -> str:
    facts = " ".join(
        f"{name}={_short(value)}" for name, value in event.items() if name not in ("event", "timestamp", "level")
    )
    return f"{event['timestamp']} {event['event']:<22} {facts}".rstrip()


def _short(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def context(json_log: bool) -> "Context":
    """Settings, storage and progress, configured by the environment."""
    from pipelines.core import environment
    from pipelines.forecasting.flows import Context
    from pipelines.storage.store import stores

    project = config.load_project()
    return Context(project, stores(project, *environment.signing()), Reporter(json_log))


def command(function: Callable[..., None]) -> Callable[[], None]:
    """Command line of one function; a ForecastError becomes its message, with its code, and an exit code."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(function)
    return _main(app)


def commands(functions: Mapping[str, Callable[..., None]]) -> Callable[[], None]:
    """Command line with one subcommand per function, by name."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)
    for name, function in functions.items():
        app.command(name)(function)
    return _main(app)


def _main(app: typer.Typer) -> Callable[[], None]:
    def main() -> None:
        end_with_owner()
        try:
            app()
        except UnknownName as error:
            _stop(error, 2)
        except ForecastError as error:
            _stop(error, 1)

    return main


def _stop(error: ForecastError, code: int) -> None:
    Console(stderr=True, highlight=False, soft_wrap=True).print(error.line, style="red", markup=False)
    raise SystemExit(code)
