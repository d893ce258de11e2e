"""Builds the three images, starts them as they are deployed, and calls the API: `make images`.

Needs Docker, or buildah as root. The containers run as their own user, on a file system that is read-only except for
/tmp and mounts. Options that a machine needs to reach its package registry are passed in from outside and are in no
image: IMAGES_BUILD_OPTIONS, such as `--volume …`.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from pipelines.core import code
from pipelines.core.errors import ForecastError
from scripts import _cli
from scripts.up import free_port

ROOT = Path(__file__).parents[2]
DOCKERFILES = {"api": "Dockerfile.backend", "pipelines": "Dockerfile.backend", "app": "Dockerfile.frontend"}
MOST = {"api": 700, "pipelines": 1600, "app": 600}  # MB, unpacked
WORKSPACE = "retail"

_PATIENCE = 120.0  # seconds until a service answers
_GRACE = 10.0  # seconds that a platform waits between SIGTERM and SIGKILL

Mounts = Mapping[str, Path]  # by their path inside


class ImageError(ForecastError):
    """An image does not meet its requirements."""


class Engine(Protocol):
    """Interface for building and running images."""

    def build(self, image: str, options: Sequence[str]) -> None: ...

    def size(self, image: str) -> float:
        """MB, unpacked."""
        ...

    def command(self, image: str, given: Sequence[str], environ: Mapping[str, str], mounts: Mounts) -> list[str]:
        """Command that runs an image with `given` as its command (its own if empty); it passes SIGTERM on."""
        ...


class Docker:
    """Engine with a daemon, as on a laptop or in CI."""

    def build(self, image: str, options: Sequence[str]) -> None:
        _call("docker", "build", *options, "--file", DOCKERFILES[image], "--target", image, "--tag", _name(image), ".")

    def size(self, image: str) -> float:
        return int(_call("docker", "image", "inspect", "--format", "{{.Size}}", _name(image))) / 1e6

    def command(self, image: str, given: Sequence[str], environ: Mapping[str, str], mounts: Mounts) -> list[str]:
        options = ["--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]  # noqa: S108
        options += [f"--env={name}={value}" for name, value in environ.items()]
        options += [f"--volume={outside}:{inside}" for inside, outside in mounts.items()]
        return ["docker", "run", "--rm", "--network", "host", *options, _name(image), *given]


class Buildah:
    """Engine without a daemon: builds in a chroot, and runs in one whose root is mounted read-only."""

    def __init__(self) -> None:
        os.environ.update(BUILDAH_ISOLATION="chroot")
        self._roots: dict[str, str] = {}

    def build(self, image: str, options: Sequence[str]) -> None:
        kept = ("--format", "docker", "--layers", "--pull-never")  # only the docker format has health checks
        _call(
            "buildah",
            "build",
            *kept,
            *options,
            "--file",
            DOCKERFILES[image],
            "--target",
            image,
            "--tag",
            _name(image),
            ".",
        )

    def size(self, image: str) -> float:
        image_id = json.loads(_call("buildah", "inspect", "--type", "image", _name(image)))["FromImageID"]
        listed = json.loads(_call("buildah", "images", "--json"))
        number, unit = next(one["size"] for one in listed if image_id.startswith(one["id"])).split()
        return float(number) * {"KB": 1e-3, "MB": 1.0, "GB": 1e3}[unit.upper()]

    def command(self, image: str, given: Sequence[str], environ: Mapping[str, str], mounts: Mounts) -> list[str]:
        if image not in self._roots:
            self._roots[image] = _call("buildah", "mount", _call("buildah", "from", "--pull-never", _name(image)))
        root = self._roots[image]
        config = json.loads(_call("buildah", "inspect", "--type", "image", _name(image)))["Docker"]["config"]
        inside = [*(config["Entrypoint"] or []), *(given or config["Cmd"])]
        variables = [*config["Env"], *(f"{name}={value}" for name, value in environ.items())]
        binds = {"/dev": "/dev", "/proc": "/proc", **{at: str(path) for at, path in mounts.items()}}
        steps = [
            f"mount --bind {root} {root}",
            f"mount -t tmpfs tmpfs {root}/tmp",  # noqa: S108 - inside
            *(f"mount --rbind {shlex.quote(path)} {root}{at}" for at, path in binds.items()),
            f"mount -o remount,bind,ro {root}",
            f"exec env -i {shlex.join(variables)} chroot --userspec={config['User']} {root} "
            + shlex.join(["sh", "-c", f"cd {config['WorkingDir']} && exec {shlex.join(inside)}"]),
        ]
        return ["unshare", "--mount", "sh", "-c", " && ".join(steps)]


def images() -> None:
    """Lint, build and start the images, check their size, and call the API."""
    reporter = _cli.Reporter(json_log=False)
    _call(str(Path(sys.executable).with_name("hadolint")), *sorted(set(DOCKERFILES.values())))
    engine = _engine()
    options = [*shlex.split(os.environ.get("IMAGES_BUILD_OPTIONS", "")), f"--build-arg=COMMIT={code.commit() or ''}"]
    for image, most in MOST.items():
        engine.build(image, options)
        size = engine.size(image)
        reporter.say(f"built {_name(image)}", mb=round(size), most=most)
        if size > most:
            raise ImageError(
                f"{_name(image)} has {size:.0f} MB, more than {most}. See images/slim.sh and images/*.excludes."
            )
    with tempfile.TemporaryDirectory(prefix="images-") as folder:
        _walk(engine, Path(folder), reporter)


def _walk(engine: Engine, folder: Path, reporter: _cli.Reporter) -> None:
    """Goes from source to forecasts in one image, then starts the service and the web app in theirs."""
    folder.chmod(0o755)
    mounts = {f"/app/{name}": folder / name for name in ("artifacts", "data", "configs", "keys")}
    shutil.copytree(ROOT / "configs", folder / "configs")
    for path in mounts.values():
        path.mkdir(exist_ok=True)
    for path in folder.rglob("*"):
        path.chmod(0o777 if path.is_dir() else 0o666)  # the user inside is unprivileged here
    start = time.perf_counter()
    _run(engine, "pipelines", ["-m", "scripts.run_all", "--workspace", WORKSPACE, "--json-log"], mounts)
    reporter.say("pipelines", seconds=round(time.perf_counter() - start))
    version = "from pipelines.core import code; print(code.version())"
    for image, python in (("api", ["python"]), ("pipelines", [])):
        if (named := _run(engine, image, [*python, "-c", version], {})) != code.version():
            raise ImageError(f"{_name(image)} names its code {named}, not {code.version()}.")
    make = ["python", "-m", "scripts.create_api_key", "--name", "smoke", "--role", "admin", "--file", "keys/keys"]
    key = _run(engine, "api", make, mounts)
    for image in ("api", "app"):
        tools = "import importlib.util as u, os; print(os.getuid(), u.find_spec('pip'), os.access('/app', os.W_OK))"
        if (state := _run(engine, image, ["python", "-c", tools], {})) != "10001 None False":
            raise ImageError(f"{_name(image)}: user, pip and a writable /app are {state}.")
    api, app = free_port(), free_port()
    serving = {"API_KEYS_FILE": "/app/keys/keys", "PORT": str(api)}
    showing = {"APP_API_URL": f"http://127.0.0.1:{api}", "APP_API_KEY": key, "PORT": str(app)}
    with (
        _started(engine.command("api", [], serving, mounts), f"http://127.0.0.1:{api}/health/ready"),
        _started(engine.command("app", [], showing, {}), f"http://127.0.0.1:{app}/_stcore/health"),
    ):
        smoke = [sys.executable, "-m", "scripts.smoke", "--base-url", f"http://127.0.0.1:{api}", "--api-key", key]
        subprocess.run(smoke, cwd=ROOT, check=True)  # noqa: S603 - our own
    reporter.say("done", images=len(MOST))


def _engine() -> Engine:
    if shutil.which("docker") and subprocess.run(["docker", "info"], capture_output=True).returncode == 0:  # noqa: S607
        return Docker()
    if shutil.which("buildah") and os.geteuid() == 0:
        return Buildah()
    raise ImageError("neither a Docker daemon nor, as root, buildah is there. Start Docker, or install buildah.")


def _name(image: str) -> str:
    return f"forecast-copilot/{image}"


def _call(*command: str) -> str:
    """Standard output of a command. Raises ImageError with its last lines of output if it fails."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)  # noqa: S603 - ours, without a shell
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).splitlines()[-20:])
        raise ImageError(f"{' '.join(command[:3])} ended with {done.returncode}:\n{said}")
    return done.stdout.strip()


def _run(engine: Engine, image: str, given: Sequence[str], mounts: Mounts) -> str:
    return _call(*engine.command(image, given, {}, mounts))


@contextmanager
def _started(command: Sequence[str], url: str) -> Iterator[None]:
    """A service that answers at `url`, and that must end in time on SIGTERM."""
    process = subprocess.Popen(command, cwd=ROOT)  # noqa: S603 - ours
    try:
        _wait(process, url)
        yield
    finally:
        process.terminate()
        try:
            process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            raise ImageError(f"{url}: the service did not end within {_GRACE:.0f} s of SIGTERM.") from None


def _wait(process: "subprocess.Popen[bytes]", url: str) -> None:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - on this machine
                return
        except (OSError, urllib.error.URLError):
            time.sleep(0.5)
    raise ImageError(f"{url} did not answer within {_PATIENCE:.0f} s.")


main = _cli.command(images)

if __name__ == "__main__":
    main()
