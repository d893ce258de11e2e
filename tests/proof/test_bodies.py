"""Bodies far over the limit: refused, and the process does not grow."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import psutil
import pytest

from tests.support import site as sites
from tests.support.scale import times
from tests.support.site import ROOT, running

PIECE = b" " * 2**20
GROWTH = 8 * 2**20  # bytes; a body that is kept would take 64 MiB


@pytest.mark.proof
def test_bodies_over_the_limit_take_no_memory(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, record_property: Callable[[str, object], None]
) -> None:
    """64 MiB in chunks to every endpoint that reads JSON: 413 each time, and resident memory stays."""
    paths = json.loads((ROOT / "docs/openapi.json").read_text(encoding="utf-8"))["paths"]
    wanted = [
        (
            method.upper(),
            path.replace("{workspace}", "shop").replace("{name}", "canary").replace("{alert_id}", "0" * 16),
        )
        for path, ways in paths.items()
        for method, operation in ways.items()
        if "application/json" in operation.get("requestBody", {}).get("content", {})
    ]
    assert len(wanted) >= 5

    def body() -> Iterator[bytes]:
        for _ in range(64):
            yield PIECE

    with (
        running(sites.made(tmp_path_factory), tmp_path / "log", API_RATE_LIMIT="100000") as (address, process),
        httpx2.Client(base_url=address, timeout=60) as client,
    ):
        question = {"workspace": "shop", "question": "How much?"}  # imports what would be imported soon, by itself
        assert client.post("/api/v1/copilot/explain", json=question).status_code == 200
        told = {"Content-Type": "application/json"}

        def send() -> set[int]:
            return {client.request(method, path, content=body(), headers=told).status_code for method, path in wanted}

        assert send() == {413}
        before, rounds = psutil.Process(process.pid).memory_info().rss, times(1, 20)
        assert [send() for _ in range(rounds)] == [{413}] * rounds
        grown = psutil.Process(process.pid).memory_info().rss - before
    assert grown < GROWTH
    record_property(
        "bodies of 64 MiB in chunks, limit 5 MiB",
        f"{rounds * len(wanted)} refused with 413 at {len(wanted)} endpoints; the process grew by {grown / 2**20:.1f} MiB",
    )
