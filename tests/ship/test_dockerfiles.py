"""The Dockerfiles, without building them: `make images` builds and starts them."""

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from pipelines.core import code

ROOT = Path(__file__).parents[2]
FILES = ("Dockerfile.backend", "Dockerfile.frontend")
SERVICES = {"api": "Dockerfile.backend", "app": "Dockerfile.frontend"}


def stages(file: str) -> dict[str, list[str]]:
    """The instructions of each stage by its name; what is before the first stage is `""`."""
    text = (ROOT / file).read_text(encoding="utf-8")
    joined = re.sub(r"\\\n", " ", "\n".join(line for line in text.splitlines() if not line.startswith("#")))
    found: dict[str, list[str]] = {"": []}
    name = ""
    for line in filter(None, map(str.strip, joined.splitlines())):
        if match := re.match(r"FROM (\S+) AS (\S+)$", line):
            name = match[2]
            found[name] = []
        found[name].append(line)
    return found


def final(file: str) -> dict[str, list[str]]:
    """The stages that are images, each with those that it is made from."""
    return {name: lines for name, lines in stages(file).items() if name in ("api", "pipelines", "app")}


@pytest.mark.parametrize("file", FILES)
def test_hadolint_finds_nothing(file: str) -> None:
    """No finding of any severity but those that .hadolint.yaml gives a reason for."""
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, file], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("file", FILES)
def test_images_run_as_their_own_user(file: str) -> None:
    """By number, so that a platform can check that it is not root."""
    for name, lines in final(file).items():
        assert "USER 10001:10001" in lines, name
        assert lines.index("USER 10001:10001") > max(at for at, line in enumerate(lines) if line.startswith("COPY"))


@pytest.mark.parametrize("file", FILES)
def test_the_base_is_one_and_can_be_pinned(file: str) -> None:
    """Every stage begins with BASE, which a deployment gives by digest, or with another stage."""
    found = stages(file)
    assert [line for line in found[""] if line.startswith("ARG BASE=")]
    for name, lines in found.items():
        for line in lines:
            if line.startswith("FROM"):
                assert line.split()[1] in {"${BASE}", *found}, name
    cloudbuild = (ROOT / "cloudbuild.yaml").read_text(encoding="utf-8")
    assert ".RepoDigests" in cloudbuild
    assert '--build-arg "BASE=$base"' in cloudbuild


@pytest.mark.parametrize("file", FILES)
def test_libraries_are_installed_by_hash_in_a_stage_of_their_own(file: str) -> None:
    """With hashes, without resolving, without compiling; the stage with pip and binutils is no image."""
    installs = [line for lines in stages(file).values() for line in lines if re.search(r"\bpip\b.* install ", line)]
    assert installs
    for line in installs:
        assert {"--require-hashes", "--no-deps", "--only-binary"} <= set(line.split())
    for name, lines in final(file).items():
        assert lines[0].startswith("FROM base "), name
        assert not [line for line in lines if line.startswith("RUN")], name
    assert not re.search(r"pip|binutils|gcc", " ".join(stages(file)["base"]))


@pytest.mark.parametrize("file", FILES)
def test_no_secret_is_given_or_copied(file: str) -> None:
    """No argument, variable or file that would leave a secret in a layer."""
    for lines in stages(file).values():
        for line in lines:
            if line.startswith(("ARG", "ENV", "COPY")):
                assert not re.search(r"key|secret|token|password|\.env\b|pip\.conf", line, re.I), line


@pytest.mark.parametrize(("image", "file"), SERVICES.items())
def test_services_listen_on_port_are_asked_and_are_told_to_stop(image: str, file: str) -> None:
    """PORT is respected, a health check asks there, and the command is replaced by the service, which gets SIGTERM."""
    lines = stages(file)[image]
    command = json.loads(next(line.removeprefix("CMD ") for line in lines if line.startswith("CMD")))
    assert command[:2] == ["sh", "-c"]
    assert "exec python -m" in command[2]
    assert "$PORT" in command[2]
    health = next(line for line in lines if line.startswith("HEALTHCHECK"))
    assert 'os.environ[\\"PORT\\"]' in health


def test_what_is_sent_to_a_build_is_named() -> None:
    """Everything is ignored but what an image is made of: no data, artifacts, environment or history can slip in."""
    lines = [
        line for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[:1] not in ("", "#")
    ]
    assert lines[0] == "*"
    sent = {line[1:].split("/")[0] for line in lines if line.startswith("!")}
    assert sent == {
        ".streamlit",
        "backend",
        "README.md",
        "configs",
        "docs",
        "frontend",
        "images",
        "pipelines",
        "scripts",
    }


def test_the_wheel_holds_the_help_and_no_tool_of_developers(tmp_path: Path) -> None:
    """A wheel built from this checkout has every page of docs/help where the copilot reads it, and nothing of scripts/dev."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    names = zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist()
    help_ = {Path(name).name for name in names if name.startswith("backend/knowledge/help/")}
    assert help_ == {path.name for path in (ROOT / "docs/help").glob("*.md")}
    assert not [name for name in names if name.startswith("scripts/dev")]


def test_what_only_developers_run_is_in_no_image() -> None:
    """Benchmarks and evaluations stay in the repository."""
    assert "scripts/dev" in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()


def test_api_image_has_every_library_that_the_default_models_need() -> None:
    """What workers load before the first request is installed in it."""
    from pipelines.forecasting.worker import _WARM

    lock = (ROOT / "images/api.lock").read_text(encoding="utf-8")
    packages = {"sklearn": "scikit-learn"}
    for name in _WARM:
        top = name.split(".")[0]
        assert f"\n{packages.get(top, top)}==" in lock


@pytest.mark.parametrize(("image", "file"), [("api", FILES[0]), ("pipelines", FILES[0]), ("app", FILES[1])])
def test_an_image_names_its_commit(image: str, file: str) -> None:
    """In its label; where runs are made, also in the file that the code reads, written last so that no layer is rebuilt."""
    found = stages(file)
    assert 'ARG COMMIT=""' in found[image]
    assert any('org.opencontainers.image.revision="$COMMIT"' in line for line in found[image])
    if image != "app":
        assert found[f"{image}-build"][-2:] == ['ARG COMMIT=""', f'RUN echo "$COMMIT" > pipelines/{code.COMMIT}']


def test_whoever_builds_images_gives_the_commit() -> None:
    """Cloud Build, compose and `make images`, which CI calls; the history itself is sent to no build."""
    cloudbuild, script = (
        (ROOT / name).read_text(encoding="utf-8") for name in ("cloudbuild.yaml", "scripts/dev/images.py")
    )
    assert '--build-arg "COMMIT=${COMMIT_SHA:-}"' in cloudbuild
    assert "--build-arg=COMMIT=" in script
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    assert {service["build"]["args"]["COMMIT"] for service in services.values()} == {"${COMMIT:-}"}
    assert ".git" not in (ROOT / ".dockerignore").read_text(encoding="utf-8")
    assert f"/pipelines/{code.COMMIT}" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
