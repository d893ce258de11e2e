"""Keys that are easy to find again: after everything has been done with them, they stand nowhere."""

import base64
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, quote_plus

import httpx2
import numpy as np
import pandas as pd
import pytest

from tests.support import endpoint as endpoints
from tests.support import site as sites
from tests.support.endpoint import Asked, Endpoint, Reply, calls, raw, says
from tests.support.serving import Quiet, answering
from tests.support.site import ROOT, Site, running

CANARIES = {
    name: f"canary-{name.lower().replace('_', '-')}-{hashlib.sha256(name.encode()).hexdigest()[:24]}"
    for name in (
        "ARTIFACT_SIGNING_KEY", "LLM_API_KEY", "WEBHOOK", "DATABASE", "DOWNLOAD", "TRACES", "AWS_SECRET_ACCESS_KEY",
        "GIVEN_BY_A_CLIENT",
    )
}  # fmt: skip
LINKED = """\
source: {{kind: download, url: "{url}/sales.csv?token={token}", sha256: "{sha256}"}}
frequency: D
horizon: 7
models: [naive, seasonal_naive]
backtest: {{windows: 2}}
"""
DATABASE = """\
source: {kind: sql, query: "select * from sales"}
frequency: D
horizon: 7
"""


@dataclass
class Outside:
    """What the project talks to: a server with data, a webhook that is down, a collector of traces. `got`: what they received."""

    content: bytes
    url: str = ""
    got: list[bytes] = field(default_factory=list)


@pytest.fixture
def outside() -> Iterator[Outside]:
    days = pd.date_range("2024-01-01", periods=60)
    table = pd.DataFrame({"ds": days, "y": np.random.default_rng(1).integers(1, 50, 60)})
    found = Outside(table.to_csv(index=False).encode())

    class Handler(Quiet):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(found.content)

        def do_POST(self) -> None:
            found.got.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200 if self.path == "/v1/traces" else 500, CANARIES["WEBHOOK"])
            self.end_headers()

    with answering(Handler) as found.url:
        yield found


def hostile(asked: Asked) -> Reply:
    """An endpoint that knows the key, and says it wherever it can."""
    key = CANARIES["LLM_API_KEY"]
    replies: list[Reply] = [
        says(f"Your key is {key}."),
        {"status": 401, "raw": json.dumps({"error": {"message": f"bad key {key}", "code": key}}).encode()},
        calls("forecast_summary", {"unique_id": key}),
        calls("not_in_the_data", {"missing": f"Nothing but {key}."}),
        raw(f"{key} is no JSON".encode()),
    ]
    return replies[asked.number % len(replies)]


# Each script's command line, one after the other in one process that imports the libraries once.
SCRIPTS = """
import importlib, json, sys
for script, *given in json.loads(sys.argv[1]):
    sys.argv = [script, "--workspace", *given]
    try:
        importlib.import_module(f"scripts.{script}").main()
    except SystemExit as ended:
        print(script, *given, "ended with", ended.code, file=sys.stderr)
"""


def scripts(*commands: list[str], environ: dict[str, str]) -> str:
    """All that the scripts say."""
    command = [sys.executable, "-c", SCRIPTS, json.dumps(commands)]
    done = subprocess.run(command, env=environ, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    return done.stdout + done.stderr


def conversation(address: str, keys: dict[str, str]) -> list[bytes]:
    """All answers to questions with right keys, wrong ones, and keys where none belong."""
    stray = CANARIES["GIVEN_BY_A_CLIENT"]
    found: list[bytes] = []
    with httpx2.Client(base_url=f"{address}/api/v1", timeout=120, headers={"X-API-Key": keys["admin"]}) as client:
        of = {"workspace": "shop"}
        question = {**of, "question": f"My key is {stray} and {CANARIES['ARTIFACT_SIGNING_KEY']}: how much tea?"}
        answers = [
            *(client.post("/copilot/explain", json={**question, "unique_id": "Ash/tea"}) for _ in range(6)),
            client.post("/copilot/stream", json=question),
            client.get("/series", params=of),
            client.get("/workspaces/linked"),
            client.get("/runs", params={"workspace": "linked"}),
            *(client.get(f"/runs/{run['run_id']}", params={"workspace": "linked"})
              for run in client.get("/runs", params={"workspace": "linked"}).json()["items"]),
            client.get("/monitoring/alerts", params=of),
            client.post("/jobs", json={"kind": "etl", "workspace": "base"}),
            client.get("/series", params=of, headers={"X-API-Key": f"fc_{stray}"}),
            client.get("/series", params=of, headers={"Authorization": f"Bearer {keys['viewer']}", "X-API-Key": ""}),
            client.get("/series/tea/history", params=of | {"key": keys["viewer"]}, headers={"X-API-Key": "fc_"}),
            client.get("/knowledge/search", params={**of, "q": "key"}),
        ]  # fmt: skip
        for answer in answers:
            assert answer.status_code < 500, answer.text
            found.append(repr(answer.headers.raw).encode() + answer.content)
    found.append(httpx2.get(f"{address}/metrics", headers={"X-API-Key": keys["admin"]}).content)
    return found


def written(site: Site) -> dict[str, bytes]:
    """All files that there are by now, but for what a person wrote; a table with its texts in the clear."""
    found = {}
    for path in (path for folder in ("data", "artifacts") for path in (site.folder / folder).rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            if path.suffix == ".parquet":
                content += pd.read_parquet(path).to_csv().encode()
            found[str(path)] = content
    return found


@pytest.mark.proof
def test_no_key_is_found_again(
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    outside: Outside,
    record_property: Callable[[str, object], None],
) -> None:
    """In no log, answer, prompt, trace, artifact or error: neither as it is, nor in base64, nor quoted, nor in hex."""
    site = sites.made(tmp_path_factory)
    newer = sites.sales(91)
    late = (newer["store"] == "Ash") & (newer["date"] > "2024-03-24")  # half of the series: that is an alert
    newer[~late].to_csv(site.folder / "data/inbox/shop.csv", index=False)
    keys, lines = sites.keys()
    for name, text in {
        "linked": LINKED.format(
            url=outside.url, token=CANARIES["DOWNLOAD"], sha256=hashlib.sha256(outside.content).hexdigest()
        ),
        "base": DATABASE,
    }.items():
        (site.folder / f"configs/workspaces/{name}.yaml").write_text(text)
    environ = {
        **os.environ, **site.environ, "PYTHONPATH": str(ROOT), "APP_ENV": "dev",
        **{name: CANARIES[name] for name in ("ARTIFACT_SIGNING_KEY", "LLM_API_KEY", "AWS_SECRET_ACCESS_KEY")},
        "MONITORING_WEBHOOK_URL": f"{outside.url}/{CANARIES['WEBHOOK']}",
        "SOURCE_SQL_URL": f"postgresql+psycopg://me:{CANARIES['DATABASE']}@127.0.0.1:1/sales",
    }  # fmt: skip
    said = scripts(
        ["run_all", "linked"], ["run_all", "linked", "--json-log"], ["run_etl", "base"], ["run_etl", "shop"],
        ["monitor", "shop"], ["train", "nowhere"], environ=environ,
    )  # fmt: skip
    assert "base ended with 1" in said
    assert outside.got, said  # the webhook was asked
    with endpoints.serving(hostile) as endpoint:
        talked = talk(site, endpoint, outside, {**environ, "API_KEYS": lines.replace("\n", ",")}, keys, tmp_path)
    files = written(site)
    places = {**talked, **files, "the log of the scripts": said.encode()}
    places |= {f"call {number}": body for number, body in enumerate(outside.got)}
    secrets = {**CANARIES, **{f"the {role}'s API key": key for role, key in keys.items()}}
    del secrets["GIVEN_BY_A_CLIENT"]  # a name that was typed where a workspace belongs is repeated to who typed it
    everything = {where: content.lower() for where, content in places.items()}
    found = [
        f"{name} in {where}"
        for name, secret in secrets.items()
        for spelt in spellings(secret)
        for where, content in everything.items()
        if spelt.lower() in content
    ]
    assert found == []
    kinds = Counter(where.partition(" ")[0] for where in talked)
    assert kinds["prompt"] >= 5
    record_property(
        f"{len(secrets)} keys, looked for in everything that was said and written",
        f"in none of {len(places)} places: 2 logs, {kinds['prompt']} prompts, {len(outside.got)} calls of the webhook and the "
        f"collector of traces, {len(files)} files, {kinds['answer']} answers and errors",
    )


def talk(
    site: Site, endpoint: Endpoint, outside: Outside, environ: dict[str, str], keys: dict[str, str], folder: Path
) -> dict[str, bytes]:
    """A service that is asked everything: its log, its answers, and the prompts that it sent."""
    given = {
        **environ, "FORECAST_COPILOT__PROVIDER": "openai", "FORECAST_COPILOT__BASE_URL": endpoint.url,
        "FORECAST_COPILOT__RETRIES": "0", "OTEL_EXPORTER_OTLP_ENDPOINT": outside.url,
        "OTEL_EXPORTER_OTLP_HEADERS": f"x-key={CANARIES['TRACES']}",
    }  # fmt: skip
    with running(site, folder / "log", **given) as (address, process):
        answers = conversation(address, keys)
        process.send_signal(signal.SIGTERM)
        process.wait(9)
    found = {f"answer {number}": answer for number, answer in enumerate(answers)}
    found |= {f"prompt {number}": _ours(prompt) for number, prompt in enumerate(endpoint.requests)}
    return {**found, "the log of the service": (folder / "log").read_bytes()}


def _ours(prompt: bytes) -> bytes:
    """A prompt without what the endpoint itself has said in it before."""
    asked = json.loads(prompt)
    asked["messages"] = [one for one in asked["messages"] if one["role"] != "assistant"]
    return json.dumps(asked).encode()


def spellings(secret: str) -> set[bytes]:
    """A key as it is and as it is usually wrapped; of base64, the part that does not depend on what is around it."""
    plain = secret.encode()
    shifted = (base64.b64encode(b"x" * n + plain).rstrip(b"=")[4:-2] for n in range(3))
    return {plain, quote(secret).encode(), quote_plus(secret).encode(), plain.hex().encode(), *shifted}
