"""The command lines around the service: keys, the walk over every endpoint, and the client that loads it."""

import json
import os
import re
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import httpx2
import pytest

from backend.core import keys as auth
from pipelines.forecasting.worker import Worker
from pipelines.storage.store import Store, Stores
from scripts.dev.bench import tree
from scripts.dev.bench.client import Load
from tests.support import site as sites
from tests.support.site import ROOT, Site, running


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A project that the walk may change."""
    return sites.made(tmp_path_factory)


def call(script: str, *options: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(ROOT / "scripts" / script), *options]
    env = {**os.environ, "PYTHONPATH": str(ROOT), **environ}
    return subprocess.run(command, capture_output=True, text=True, env=env, check=False)


def test_a_key_is_printed_once_and_kept_as_a_line(tmp_path: Path) -> None:
    """On standard output the key alone; in the file, what the service knows it by."""
    path = tmp_path / "keys"
    for name, role in (("ada", "admin"), ("bob", "viewer")):
        done = call("create_api_key.py", "--name", name, "--role", role, "--file", str(path))
        assert done.returncode == 0, done.stderr
        found = auth.Keyring(auth.parse_keys(path.read_text())).find(done.stdout.strip())
        assert found is not None
        assert (found.name, found.role) == (name, role)
        assert done.stdout.strip() not in path.read_text() + done.stderr
    printed = call("create_api_key.py", "--name", "eve")
    assert auth.parse_keys(printed.stderr.rpartition(": ")[2])[0].role == "viewer"


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--name", "ada", "--role", "king"], 2, "unknown role 'king'"),
        (["--name", "a:b"], 1, "name of letters"),
        (["--name", "ada", "--file", "/nowhere/keys"], 1, "/nowhere/keys: cannot be written"),
    ],
)
def test_a_key_that_cannot_be_made_is_told(options: list[str], code: int, message: str) -> None:
    """Without a traceback."""
    done = call("create_api_key.py", *options)
    assert (done.returncode, message in done.stderr.replace("\n", " "), "Traceback" in done.stderr) == (
        code,
        True,
        False,
    ), done.stderr


def test_the_walk_reaches_every_endpoint(site: Site, tmp_path: Path) -> None:
    """With a key, over all of the OpenAPI; it ends with 0 and leaves production where it was."""
    secrets, lines = sites.keys()
    before = site.reader.pointers("shop").aliases["production"]
    with running(site, tmp_path / "log", API_KEYS=lines.replace("\n", ",")) as (address, _):
        options = ("--base-url", address, "--workspace", "shop")
        done = call("smoke.py", *options, API_KEY=secrets["admin"])
        assert done.returncode == 0, done.stderr
        assert "done" in done.stderr
        refused = call("smoke.py", *options, API_KEY=secrets["viewer"])
        assert (refused.returncode, "answered 403" in refused.stderr) == (1, True)
        reading = call("smoke.py", *options, "--reading", API_KEY=secrets["viewer"])
        assert reading.returncode == 0, reading.stderr
        assert not re.search(r"(PUT|DELETE) |POST (?!/api/v1/(metrics/historical|copilot/))", reading.stderr)
    assert site.reader.pointers("shop").aliases["production"] == before


def test_the_walk_says_when_there_is_no_service() -> None:
    """With what to check."""
    done = call("smoke.py", "--base-url", "http://127.0.0.1:9")
    assert (done.returncode, "no answer" in done.stderr) == (1, True)


def test_the_load_client_counts_what_it_sent(site: Site, tmp_path: Path) -> None:
    """Every request is answered and timed, at the asked rate."""
    with running(site, tmp_path / "log") as (address, _):
        url = httpx2.URL(address)
        paths = ["/api/v1/aliases?workspace=shop", "/api/v1/aliases?workspace=nobody"]
        load = Load(url.host, url.port or 0, paths, clients=5, requests=100, rate=50.0)
        done = subprocess.run(
            [sys.executable, "-m", "scripts.dev.bench.client"],
            input=json.dumps(asdict(load)),
            capture_output=True,
            text=True,
            cwd=ROOT,
            check=False,
        )
    found = json.loads(done.stdout)
    assert (found["n"], found["statuses"]) == (100, {"200": 50, "404": 50})
    assert found["seconds"] > 1.9
    assert 0 < found["p50"] <= found["p95"] <= found["p99"]


def test_the_made_up_workspace_is_one_that_the_service_can_use(tmp_path: Path) -> None:
    """As many rows as it should have, intact, and its models forecast what is not published."""
    reader = Stores(Store(str(tmp_path / "data")), Store(str(tmp_path / "artifacts")))
    tree.make(tmp_path, reader, 30, seed=1)
    run, forecasts = reader.production(tree.NAME), reader.published(tree.NAME)
    assert (run.verify(), forecasts.verify()) == ([], [])
    assert len(forecasts.read_parquet("forecasts.parquet")) == 30 * tree.H
    name = reader.dataset(tree.NAME).series["unique_id"].iloc[7]
    wanted = {"workspace": tree.NAME, "run_id": run.name, "unique_ids": [name], "horizon": tree.H + 7}
    (one,) = Worker(reader).answer(wanted)["forecasts"]
    assert len(one["points"]) == tree.H + 7
