"""Evidently's page, rebuilt: data that are no script, and a policy that is known before them."""

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest
from evidently import __version__ as evidently_version
from evidently.legacy.utils.dashboard import STATIC_PATH

from pipelines.forecasting.monitoring import page
from tests.pipelines.monitoring.hostile import TEXTS, evidently

BEFORE = page.STORED_BEFORE
LIBRARY = page.hashed(Path(STATIC_PATH, "index.js").read_text(encoding="utf-8"))
OWN = 3  # Evidently's library, and the two of a line


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the last release had had the Evidently that is installed now."""
    monkeypatch.setattr(page, "STORED_BEFORE", LIBRARY)


def runnable(html: str) -> list[str]:
    """The hash of each script that a browser would find and run."""
    found = re.findall(r"<script(?![^>]*application/json)[^>]*>(.*?)</script", html, re.DOTALL | re.IGNORECASE)
    return [base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in found]


def data_of(html: str) -> list[dict[str, object]]:
    (found,) = re.findall(r'<script id="data" type="application/json">(.*?)</script>', html, re.DOTALL)
    parsed: list[dict[str, object]] = json.loads(found)
    return parsed


@pytest.mark.skipif(
    evidently_version != "0.7.23", reason="the hash is of 0.7.23, and stays for the reports that it drew"
)
def test_the_library_of_reports_that_are_stored_is_known_by_its_hash() -> None:
    """What the last release stored is shown, as long as that library drew it."""
    assert LIBRARY == BEFORE


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_no_text_adds_a_script_to_a_report_of_the_last_release(text: str) -> None:
    """The scripts are Evidently's, the policy names them and no other, and the text is there as letters."""
    raw = evidently(text)
    html, policy = page.served(raw.encode(errors="surrogatepass"))
    assert sorted(runnable(html.decode())) == sorted(re.findall(r"'sha256-([^']+)'", policy))
    assert len(runnable(html.decode())) == OWN
    dashboard, graphs = data_of(html.decode())
    assert dashboard["widgets"][0]["title"] == text.replace("<", "‹")  # type: ignore[index]
    assert list(graphs) == [text.replace("<", "‹")]


@pytest.mark.parametrize("change", ["<script>evil()</script></head>", "</head><!-- -->"])
def test_a_page_that_is_not_evidentlys_is_not_shown(change: str) -> None:
    """One more script before the library, or another page altogether: a sentence is left, and nothing may run."""
    whole = evidently().replace("</head>", change)
    other = evidently().replace("window.drawDashboard=", "evil();window.drawDashboard=")
    for stored in (whole, other, "<script>evil()</script>", "", "[" * 100_000):
        html, policy = page.served(stored.encode())
        assert "script-src 'none'" in policy
        assert "evil" not in html.decode()
        assert "<script" not in html.decode()


def test_a_rebuilt_page_is_served_as_it_is() -> None:
    """Under the policy that it opens with, and what only a header can say: an origin of its own, and no other's frame."""
    html = page.rebuilt(evidently(), LIBRARY).encode()
    same, policy = page.served(html)
    assert same is html
    (own,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]+)"', html.decode())
    assert policy == f"{own}; frame-ancestors 'none'; sandbox allow-scripts"
    assert "allow-same-origin" not in policy


def test_numbers_that_json_has_no_word_for_stay_what_they_are() -> None:
    """NaN and the infinities reach Evidently's library; all other values are as they were."""
    values = [float("nan"), float("inf"), -float("inf"), 0.1, -3, None, "NaN"]
    dashboard, _ = data_of(page.rebuilt(evidently(values=values), LIBRARY))
    told = dashboard["widgets"][0]["params"]["values"]  # type: ignore[index]
    assert told == [{"$number": "NaN"}, {"$number": "Infinity"}, {"$number": "-Infinity"}, 0.1, -3, None, "NaN"]


def test_a_report_says_how_its_drift_differs() -> None:
    """From the statuses and the alerts, which follow another."""
    assert "second opinion by Evidently" in page.rebuilt(evidently(), LIBRARY)
