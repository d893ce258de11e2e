"""SIGTERM under load, with streams open: gone within nine seconds, and each stream is told."""

import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import httpx2
import psutil
import pytest

from tests.support import endpoint as endpoints
from tests.support import site as sites
from tests.support.scale import times
from tests.support.site import Site, running

STREAMS = 5
LONGEST = 9.0  # seconds; Cloud Run kills after ten
QUESTION = {"workspace": "shop", "question": "What happens next week?", "unique_id": "Ash/tea"}
FORECAST = "/api/v1/forecasts?workspace=shop&unique_id=Ash%2Ftea"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return sites.made(tmp_path_factory)


class Client:
    """Streams that wait for a slow answer, and forecasts in a row, until the service is gone."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.events: list[list[str]] = [[] for _ in range(STREAMS)]
        self.answered: Counter[int] = Counter()
        self.threads = [threading.Thread(target=self.listen, args=(events,)) for events in self.events]
        self.threads += [threading.Thread(target=self.ask) for _ in range(4)]
        for thread in self.threads:
            thread.start()

    def listen(self, events: list[str]) -> None:
        url = f"{self.address}/api/v1/copilot/stream"
        with httpx2.stream("POST", url, json=QUESTION, timeout=60) as response:
            events += [line.removeprefix("event: ") for line in response.iter_lines() if line.startswith("event: ")]

    def ask(self) -> None:
        with httpx2.Client(base_url=self.address, timeout=60) as client:
            while True:
                try:
                    self.answered[client.get(FORECAST).status_code] += 1
                except httpx2.TransportError:
                    return  # it takes nothing on any more

    def join(self) -> None:
        for thread in self.threads:
            thread.join(60)


@pytest.mark.proof
def test_it_ends_in_time_and_tells_every_stream(
    site: Site, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Again and again: exit code 0, no process left, every stream ends with an event, every answer is a whole one."""
    rounds, seconds, last, answered = times(2, 50), list[float](), Counter[str](), Counter[int]()
    with endpoints.serving(lambda asked: endpoints.sleeps(20)) as slow:
        environ = {
            "FORECAST_COPILOT__PROVIDER": "openai", "FORECAST_COPILOT__BASE_URL": slow.url,
            "FORECAST_COPILOT__MODEL": "slow", "LLM_API_KEY": "none", "API_RATE_LIMIT": "1000000",
        }  # fmt: skip
        for number in range(rounds):
            asked = len(slow.requests)
            with running(site, tmp_path / f"log-{number}", **environ) as (address, process):
                client = Client(address)
                deadline = time.monotonic() + 60
                while len(slow.requests) < asked + STREAMS and time.monotonic() < deadline:
                    time.sleep(0.05)
                family = psutil.Process(process.pid).children(recursive=True)
                start = time.monotonic()
                process.send_signal(signal.SIGTERM)
                assert process.wait(LONGEST) in (0, -signal.SIGTERM)
                seconds.append(time.monotonic() - start)
                client.join()
            assert not psutil.wait_procs(family, timeout=1)[1]
            assert not any(thread.is_alive() for thread in client.threads)
            last.update(events[-1] if events else "nothing" for events in client.events)
            answered += client.answered
    assert set(last) <= {"error", "done"}
    assert set(answered) <= {200, 503}
    assert answered[200] > 0
    assert max(seconds) <= LONGEST
    record_property(
        f"SIGTERM under load, {STREAMS} streams open",
        f"{rounds} times: gone after {max(seconds):.1f} s at the latest (median {sorted(seconds)[rounds // 2]:.1f}); "
        f"{last.total()} streams, each ended with an event; {answered[200]:,} answers meanwhile, {answered[503]} times 503",
    )
