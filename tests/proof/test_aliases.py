"""Aliases that many want to move at once: each move counts once, and who saw an old state is told."""

import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from tests.support import site as sites
from tests.support.scale import times
from tests.support.site import ROOT, Site, running

WRITERS = 8
CLIENTS = 50
MOVE = """
import sys
from pipelines.core.errors import Conflict
from pipelines.runs import aliases
from pipelines.storage.store import Store, Stores

data, artifacts, moves, *runs = sys.argv[1:]
reader, conflicts = Stores(Store(data), Store(artifacts)), 0
for number in range(int(moves)):
    while True:
        try:
            print(aliases.promote(reader, "shop", runs[number % 2], f"move {number}").version)
        except Conflict:
            conflicts += 1
        else:
            break
print("conflicts", conflicts)
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A project with two runs, for this module alone."""
    return sites.made(tmp_path_factory)


@pytest.mark.proof
def test_eight_writers_lose_no_move_of_an_alias(site: Site, record_property: Callable[[str, object], None]) -> None:
    """Eight processes: every move has a version of its own, ascending for each writer, and a line in the audit file."""
    moves, before = times(10, 50), site.reader.pointers("shop").version
    command = [
        sys.executable, "-c", MOVE, str(site.folder / "data"), str(site.folder / "artifacts"),
        str(moves), site.first, site.second,
    ]  # fmt: skip
    writers = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(WRITERS)]
    told = [writer.communicate()[0].split() for writer in writers]
    assert [writer.returncode for writer in writers] == [0] * WRITERS
    found = [[int(version) for version in words[:-2]] for words in told]
    assert all(versions == sorted(versions) for versions in found)
    everyone = sorted(version for versions in found for version in versions)
    assert everyone == list(range(before + 1, before + 1 + WRITERS * moves))
    audit = [json.loads(line)["version"] for line in site.reader.artifacts.lines(site.reader.places("shop").audit)]
    assert audit[-len(everyone) :] == everyone
    record_property(
        f"{WRITERS} writers move one alias",
        f"{len(everyone):,} moves, {len(set(everyone)):,} ascending versions, as many lines in the audit file, "
        f"{sum(int(words[-1]) for words in told)} conflicts told, 0 lost",
    )


@pytest.mark.proof
def test_of_many_who_saw_the_same_state_one_moves_the_alias(
    site: Site, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Fifty clients send one ETag at once: one is told 200 and the others 412, again and again."""
    secrets, lines = sites.keys()
    headers, of, rounds = {"X-API-Key": secrets["admin"]}, {"workspace": "shop"}, times(2, 20)
    with (
        running(site, tmp_path / "log", API_KEYS=lines.replace("\n", ","), API_RATE_LIMIT="100000") as (address, _),
        httpx2.Client(base_url=f"{address}/api/v1", headers=headers, timeout=60) as client,
        ThreadPoolExecutor(CLIENTS) as pool,
    ):
        for number in range(rounds):
            tag = client.get("/aliases", params=of).headers["etag"]
            body = {"run_id": (site.first, site.second)[number % 2], "reason": "a race"}

            def move(_: int, body: dict[str, str] = body, tag: str = tag) -> int:
                return client.put("/aliases/production", params=of, json=body, headers={"If-Match": tag}).status_code

            assert sorted(pool.map(move, range(CLIENTS))) == [200] + [412] * (CLIENTS - 1)
    record_property(
        f"{CLIENTS} clients change an alias with one ETag",
        f"{rounds} rounds: one success in each, {CLIENTS - 1} times 412",
    )
