"""Starts the service and the web app on this machine, and stops both on Ctrl-C or a signal."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.core.errors import ForecastError
from scripts import _cli, demo

ROOT = Path(__file__).parents[1]

_PATIENCE = 60.0  # seconds until both answer
_GRACE = 9.0  # seconds that a process has to stop

ApiPort = Annotated[int, typer.Option("--api-port", help="Of the service; 0: any free one.")]
AppPort = Annotated[int, typer.Option("--app-port", help="Of the web app; 0: any free one.")]


class NotStarted(ForecastError):
    """A process ended, or did not answer in time."""


@dataclass(frozen=True)
class Up:
    """Addresses of both services, and their processes."""

    api: str
    app: str
    processes: "tuple[subprocess.Popen[bytes], ...]"


def up(api_port: ApiPort = 8000, app_port: AppPort = 8501) -> None:
    """Serve published forecasts, or the demo if nothing is published: API and web app. Ctrl-C stops both."""
    reporter, reader = _cli.Reporter(json_log=False), _cli.context(json_log=False).stores
    if not any(reader.pointers(name).published for name in reader.workspaces()):
        reporter.say("nothing to show yet", first="the demo's workspaces, two to three minutes")
        demo.demo()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with running(api_port, app_port) as site:
        reporter.say("ready", app=site.app, api=f"{site.api}/api/v1")
        try:
            while all(process.poll() is None for process in site.processes):
                time.sleep(0.5)
        except KeyboardInterrupt:
            return
        raise NotStarted("one of the two ended by itself; the lines above say why.")


@contextmanager
def running(
    api_port: int = 0, app_port: int = 0, environ: Mapping[str, str] | None = None, **pipes: Any
) -> Iterator[Up]:
    """Both as separate processes, which are stopped on exit. Raises NotStarted if one does not answer."""
    api_port, app_port = api_port or free_port(), app_port or free_port()
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **(environ or {})}
    app_options = ["--server.port", str(app_port)]
    api = _start(["backend.app"], {**variables, "API_PORT": str(api_port)}, pipes)
    app = _start(["frontend.serve", *app_options], {**variables, "APP_API_URL": f"http://127.0.0.1:{api_port}"}, pipes)
    site = Up(f"http://127.0.0.1:{api_port}", f"http://127.0.0.1:{app_port}", (api, app))
    try:
        _wait(api, f"{site.api}/health/live")
        _wait(app, f"{site.app}/_stcore/health")
        yield site
    finally:
        _end(site.processes)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _start(module: list[str], environ: Mapping[str, str], pipes: Mapping[str, Any]) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", *module]
    return subprocess.Popen(command, cwd=ROOT, env=dict(environ), **pipes)  # noqa: S603 - our own


def _wait(process: "subprocess.Popen[bytes]", url: str) -> None:
    import httpx2

    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        if process.poll() is not None:
            raise NotStarted(f"a process ended with code {process.returncode}; the lines above say why.")
        try:
            if httpx2.get(url, timeout=2).is_success:
                return
        except httpx2.HTTPError:
            pass
        time.sleep(0.1)
    raise NotStarted(f"{url} did not answer within {_PATIENCE:.0f} s.")


def _end(processes: "tuple[subprocess.Popen[bytes], ...]") -> None:
    """Ends the processes with SIGTERM, then with SIGKILL."""
    for process in processes:
        process.terminate()
    until = time.monotonic() + _GRACE
    for process in processes:
        try:
            process.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


main = _cli.command(up)

if __name__ == "__main__":
    main()
