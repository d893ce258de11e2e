"""The app beside a private service on Cloud Run: a token on each request, renewed in time, and shown nowhere."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from frontend.core import api
from frontend.core.client import ApiDown, Client
from frontend.core.identity import Identity, NoIdentity
from frontend.core.settings import Settings
from tests.frontend.conftest import answering
from tests.support import google as stand_in

AUDIENCE = "https://api-x.a.run.app"
KEY = "fc_00000000_secret"


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> Iterator[stand_in.Google]:
    with stand_in.serve(stand_in.Google()) as google:
        monkeypatch.setenv("GCE_METADATA_HOST", google.url.removeprefix("http://"))
        yield google


@contextmanager
def private_service(google: stand_in.Google) -> Iterator[Client]:
    """A client of a service that answers, and whose requests are kept with Google's own."""
    whole = google.answer
    google.answer = lambda method, path, headers, body: (  # type: ignore[method-assign]
        (200, {"items": [], "total": 0}) if path.startswith("/api/") else whole(method, path, headers, body)
    )
    yield Client(Settings(api_url=google.url, api_key=KEY, api_audience=AUDIENCE))  # type: ignore[arg-type]


def test_each_request_carries_one_token_beside_the_key(
    google: stand_in.Google, caplog: pytest.LogCaptureFixture
) -> None:
    """For the audience that is set; asked for once, with Google's header, and in no log."""
    caplog.set_level(logging.DEBUG)
    with private_service(google) as client:
        api.workspaces(client)
        api.workspaces(client)
    asked = [one for one in google.requests if "/identity" in one[1]]
    sent = [headers for _, path, headers, _ in google.requests if path.startswith("/api/")]
    assert len(asked) == 1
    assert "audience=https%3A%2F%2Fapi-x.a.run.app" in asked[0][1]
    assert asked[0][2]["metadata-flavor"] == "Google"
    tokens = {headers["x-serverless-authorization"] for headers in sent}
    assert len(sent) == 2
    assert len(tokens) == 1
    assert {headers["x-api-key"] for headers in sent} == {KEY}
    assert all("authorization" not in headers for headers in sent)
    (token,) = tokens
    assert token.startswith("Bearer ey")
    for hidden in (KEY, token.removeprefix("Bearer ")):
        assert hidden not in caplog.text
        assert hidden not in repr(client) + repr(vars(client))


def test_a_token_is_renewed_before_it_ends(google: stand_in.Google, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five minutes before; many at once ask for one."""
    now = [stand_in.time.time()]
    monkeypatch.setattr("frontend.core.identity.time.time", lambda: now[0])
    identity = Identity(AUDIENCE)
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: identity.token(), range(16)))) == 1
    first = identity.token()
    now[0] += 3600 - 310
    assert identity.token() == first
    now[0] += 20
    assert identity.token() != first
    assert len([one for one in google.requests if "/identity" in one[1]]) == 2


@pytest.mark.parametrize("status", [403, 404, 503])
def test_without_a_token_the_service_counts_as_away(google: stand_in.Google, status: int) -> None:
    """So that pages say so; the next request asks again."""
    with private_service(google) as client:
        google.fault = lambda method, path: status if "/identity" in path else None
        with pytest.raises(ApiDown):
            api.workspaces(client)
        google.fault = lambda method, path: None
        assert api.workspaces(client) == []


def test_outside_google_cloud_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """No server, or one that gives something else than a token."""
    monkeypatch.setenv("GCE_METADATA_HOST", "127.0.0.1:9")
    with pytest.raises(NoIdentity, match="cannot be reached"):
        Identity(AUDIENCE).token()
    for answer in (b"<html>hello</html>", b"a.b.c", b"a.e30.c"):
        with answering({}, (200, answer)) as address:
            monkeypatch.setenv("GCE_METADATA_HOST", address.removeprefix("http://"))
            with pytest.raises(NoIdentity, match="something else") as caught:
                Identity(AUDIENCE).token()
        assert answer.decode() not in str(caught.value)


def test_without_an_audience_nobody_asks_google(google: stand_in.Google) -> None:
    """As on a laptop."""
    with private_service(google) as _:
        client = Client(Settings(api_url=google.url))  # type: ignore[arg-type]
        api.workspaces(client)
    assert [path for _, path, _, _ in google.requests if "Metadata" in path] == []


def test_the_key_is_set_once(tmp_path: Path) -> None:
    """As a variable or as a file; both are an error that does not show it."""
    (tmp_path / "key").write_text(f"{KEY}\n")
    assert Settings(api_key_file=tmp_path / "key").key == KEY
    with pytest.raises(ValueError, match="both set") as caught:
        Settings(api_key=KEY, api_key_file=tmp_path / "key")
    assert KEY not in str(caught.value)
    assert KEY not in repr(Settings(api_key=KEY))
