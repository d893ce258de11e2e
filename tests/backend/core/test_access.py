"""Authentication, roles and rate limiting."""

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from backend.app import create_app
from backend.core import keys as auth
from backend.core.rate import RateLimit
from backend.core.settings import Settings, load
from pipelines.core.config import Project
from pipelines.core.environment import signing
from pipelines.core.errors import ConfigError
from pipelines.storage.store import stores
from tests.backend.conftest import connect
from tests.support import site as sites
from tests.support.site import Site

GENERATE = {"workspace": "shop", "unique_ids": ["Ash/tea"]}


@pytest.fixture(scope="module")
def keys() -> tuple[dict[str, str], str]:
    return sites.keys()


@pytest.mark.parametrize(
    ("role", "reads", "computes", "moves"),
    [("viewer", 200, 403, 403), ("analyst", 200, 200, 403), ("admin", 200, 200, 428)],
)
def test_each_role_may_do_what_it_is_for(
    site: Site, keys: tuple[dict[str, str], str], role: str, reads: int, computes: int, moves: int
) -> None:
    """A viewer reads, an analyst also asks for forecasts, an admin also moves aliases (here without If-Match: 428)."""
    secrets, lines = keys
    client = connect(site, keys=lines)
    client.headers["X-API-Key"] = secrets[role]
    body = {"run_id": site.first, "reason": "x"}
    found = (
        client.get("/api/v1/workspaces").status_code,
        client.post("/api/v1/forecasts/generate", json=GENERATE).status_code,
        client.put("/api/v1/aliases/canary?workspace=shop", json=body).status_code,
    )
    assert found == (reads, computes, moves)


@pytest.mark.parametrize("secret", [None, "", "fc_00000000_x", "not a key", "fc_", "ü" * 40])
def test_without_a_valid_key_nothing_is_answered_but_health(
    site: Site, keys: tuple[dict[str, str], str], secret: str | None
) -> None:
    """401 with the scheme, also for paths that do not exist; a wrong key tells no more than none."""
    client = connect(site, keys=keys[1])
    headers = {} if secret is None else {"X-API-Key": secret.encode()}
    for path in ("/api/v1/workspaces", "/api/v1/openapi.json", "/metrics", "/nothing"):
        response = client.get(path, headers=headers)
        assert (response.status_code, response.json()["title"]) == (401, "Unauthorized"), path
        assert response.headers["WWW-Authenticate"] == 'ApiKey header="X-API-Key"'
    assert client.get("/health/live").status_code == client.get("/health/ready").status_code == 200


def test_a_key_of_another_with_the_same_prefix_is_refused(site: Site) -> None:
    """The prefix only finds the line; the whole key is compared."""
    secret, key = auth.create("ada", "admin")
    client = connect(site, keys=key.line)
    assert client.get("/api/v1/workspaces", headers={"X-API-Key": secret}).status_code == 200
    assert client.get("/api/v1/workspaces", headers={"X-API-Key": secret[:-1] + "_"}).status_code == 401


def test_keys_are_kept_as_hashes_only() -> None:
    """What is stored has the prefix and the SHA-256, and not the key."""
    secret, key = auth.create("ada", "viewer")
    assert secret.startswith(key.prefix)
    assert secret.removeprefix(key.prefix) not in key.line
    assert auth.parse_keys(f"# people\n{key.line}  # ada's laptop\n\n") == (key,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ada", "API key 1 is not of the form name:role:prefix:sha256"),
        (f"ada:king:fc_00000000:{'0' * 64}", "API key 1: unknown role 'king'. Use one of: viewer, analyst, admin"),
        (
            f"a:admin:fc_00000000:{'0' * 64},b:viewer:fc_00000000:{'1' * 64}",
            "API key 2 has the prefix of an earlier one",
        ),
    ],
)
def test_a_wrong_line_of_keys_is_told(text: str, message: str) -> None:
    """By its number, without showing what stands there: it may be a key."""
    with pytest.raises(ConfigError, match=message):
        auth.parse_keys(text)


@pytest.mark.parametrize("environment", ["staging", "prod"])
def test_without_keys_it_starts_in_dev_only(site: Site, environment: str) -> None:
    """Nowhere else is there a server that lets everybody in."""
    with pytest.raises(ConfigError, match=f"APP_ENV is {environment} and there is no API key"):
        create_app(Settings(environment=environment), site.reader)


@pytest.mark.parametrize(
    ("host", "open_"), [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False)]
)
def test_without_keys_it_listens_on_loopback_only(site: Site, host: str, open_: bool) -> None:
    """Also in dev."""
    if open_:
        create_app(Settings(environment="dev", host=host), site.reader)
    else:
        with pytest.raises(ConfigError, match=f"API_HOST is {host} and there is no API key"):
            create_app(Settings(environment="dev", host=host), site.reader)


@pytest.mark.parametrize(
    ("client", "host", "status"),
    [
        ("127.0.0.1", "127.0.0.1:8000", 200),
        ("::1", "[::1]:8000", 200),
        ("127.0.0.1", "localhost", 200),
        ("10.1.2.3", "localhost", 403),
        ("127.0.0.1", "evil.example", 403),
        ("127.0.0.1", "127.0.0.1.evil.example", 403),
    ],
)
def test_without_keys_only_this_machine_is_answered(site: Site, client: str, host: str, status: int) -> None:
    """However the server was started; a name that someone points here from outside does not count."""
    app = create_app(Settings(environment="dev"), site.reader)
    connection = TestClient(app, base_url="http://127.0.0.1", client=(client, 1))
    assert connection.get("/api/v1/workspaces", headers={"Host": host}).status_code == status


FOREIGN = ["https://evil.example", "null", "http://127.0.0.1.evil.example", "http://[", "http://10.0.0.7:8501", ""]


@pytest.mark.parametrize("origin", FOREIGN)
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/jobs"), ("PUT", "/aliases/canary"), ("DELETE", "/jobs/x"), ("POST", "/nothing")]
)
def test_without_keys_a_page_of_another_site_changes_nothing(site: Site, method: str, path: str, origin: str) -> None:
    """Its requests are refused by their Origin with a problem that says how to allow it; it could read no answer anyway."""
    found = connect(site).request(method, f"/api/v1{path}?workspace=shop", headers={"Origin": origin}, json={})
    assert (found.status_code, found.headers["content-type"]) == (403, "application/problem+json")
    assert "API_CORS_ORIGINS" in found.json()["detail"]


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "Text/Plain; charset=utf-8", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"],
)
def test_without_keys_a_form_changes_nothing(site: Site, kind: str) -> None:
    """A form of any site can send these content types without an Origin in old browsers."""
    client = connect(site)
    for method, path in [("POST", "/jobs"), ("POST", "/knowledge/sources"), ("POST", "/workspaces/new/uploads")]:
        found = client.request(method, f"/api/v1{path}?workspace=shop", headers={"Content-Type": kind}, content=b"{}")
        assert (found.status_code, found.headers["content-type"]) == (403, "application/problem+json"), path
        assert "text/csv" in found.json()["detail"]


def test_what_people_use_on_this_machine_works_without_keys(site: Site) -> None:
    """Requests without an Origin, of pages of this machine, and of pages that are named; reading is free."""
    client = connect(site, cors_origins="https://ours.example")
    body = {"workspace": "shop", "question": "How much?"}
    for origin in (None, "http://localhost:8501", "http://127.0.0.1:8501", "http://[::1]:3000", "https://ours.example"):
        headers = {"Origin": origin} if origin else {}
        assert client.post("/api/v1/copilot/explain", json=body, headers=headers).status_code == 200, origin
    assert client.get("/api/v1/workspaces", headers={"Origin": "https://evil.example"}).status_code == 200


def test_with_keys_origins_and_content_types_are_as_ever(site: Site, keys: tuple[dict[str, str], str]) -> None:
    """No page has the key, so scripts may send what they like."""
    client = connect(site, keys=keys[1])
    headers = {"X-API-Key": keys[0]["analyst"], "Origin": "https://evil.example", "Content-Type": "text/plain"}
    assert client.post("/api/v1/jobs", content=b"{}", headers=headers).status_code == 422


@pytest.mark.parametrize(
    ("clients", "status"),
    [
        (["10.0.0.1"] * 4, 429),
        (["127.0.0.1", "127.0.0.2", "127.9.9.9", "::1"], 429),
        (["2001:db8::1", "2001:db8::2", "2001:db8:0:0:ffff::", "2001:db8::4"], 429),
        (["10.0.0.1", "10.0.0.2", "10.0.0.3", "2001:db8::1"], 401),
    ],
    ids=["one address", "this machine", "one network", "four clients"],
)
def test_wrong_keys_are_counted_by_who_sends_them(
    site: Site, keys: tuple[dict[str, str], str], clients: list[str], status: int
) -> None:
    """Addresses that a client can choose among count as one, and no header changes whose they are."""
    app = create_app(Settings(environment="dev", keys=keys[1], rate_limit=3), site.reader)
    found = [
        TestClient(app, client=(address, 1))
        .get("/api/v1/workspaces", headers={"X-API-Key": f"guess {number}", "X-Forwarded-For": f"10.9.8.{number}"})
        .status_code
        for number, address in enumerate(clients)
    ]
    assert found == [401, 401, 401, status]


@pytest.mark.parametrize("value", ["*", "0.0.0.0/0", "::/0", "proxy.example", "10.0.0.1/8"])
def test_a_proxy_that_is_trusted_is_named(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """By its address or network: who believes everybody lets each client choose its own address."""
    monkeypatch.setenv("API_TRUSTED_PROXIES", f"10.0.0.5, {value}")
    with pytest.raises(ConfigError, match=r"API_TRUSTED_PROXIES: found .*address"):
        load()
    monkeypatch.setenv("API_TRUSTED_PROXIES", "10.0.0.5, 169.254.0.0/16")
    assert load().trusted_proxies == ("10.0.0.5", "169.254.0.0/16")


def test_keys_come_from_a_file_too(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As secrets are mounted; a file that is not there is an error with its name."""
    secret, key = auth.create("ada", "viewer")
    (tmp_path / "keys").write_text(key.line)
    monkeypatch.setenv("API_KEYS_FILE", str(tmp_path / "keys"))
    monkeypatch.setenv("ARTIFACT_SIGNING_KEY", "0" * 32)
    client = connect(site, **vars(load(environment="prod")))
    assert client.get("/api/v1/workspaces", headers={"X-API-Key": secret}).status_code == 200
    monkeypatch.setenv("API_KEYS_FILE", str(tmp_path / "none"))
    with pytest.raises(ConfigError, match=r"API_KEYS_FILE: .*none cannot be read"):
        load()


def test_all_that_is_unsafe_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """In staging and prod, with wrong settings among them; in dev all of it is allowed."""
    unsafe = {
        "ARTIFACT_SIGNING_KEY": "short",
        "MONITORING_WEBHOOK_URL": "http://hooks.example/T0",
        "API_CORS_ORIGINS": "*,http://pages.example,https://good.example,http://localhost:3000",
        "API_LOG_LEVEL": "DEBUG",
        "PYTHONASYNCIODEBUG": "1",
    }
    for name, value in unsafe.items():
        monkeypatch.setenv(name, value)
    assert load().log_level == "debug"
    monkeypatch.setenv("API_JOBS", "many")
    for environment in ("staging", "prod"):
        monkeypatch.setenv("APP_ENV", environment)
        with pytest.raises(ConfigError) as caught:
            load(host="0.0.0.0")
        told = str(caught.value).split("\n")
        assert told[0] == f"the settings are wrong or unsafe (APP_ENV={environment}):"
        for one, words in zip(
            told[1:],
            [
                "ARTIFACT_SIGNING_KEY: it is shorter than 32",
                "MONITORING_WEBHOOK_URL: it does not begin with https",
                "API_JOBS: found 'many'",
                "there is no API key",
                "API_CORS_ORIGINS: * lets",
                "API_CORS_ORIGINS: http://pages.example does",
                "API_LOG_LEVEL: debug makes",
                "PYTHONASYNCIODEBUG: it is set",
            ],
            strict=True,
        ):
            assert words in one
        assert "hooks.example" not in str(caught.value)
    monkeypatch.setenv("APP_ENV", "production")
    with pytest.raises(ConfigError, match="Use one of: dev, staging, prod"):
        load()


def test_no_secret_is_shown(site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Not in a repr of what holds it, nor in the error for a wrong setting beside it, nor in one for itself."""
    key, hidden = auth.create("ada", "viewer")[1].line, "s3cr3t-" * 6
    monkeypatch.setenv("API_KEYS", key)
    (tmp_path / "key").write_text(f"{hidden}\n")
    monkeypatch.setenv("ARTIFACT_SIGNING_KEY_FILE", str(tmp_path / "key"))
    monkeypatch.setenv("APP_ENV", "prod")
    settings, reader = load(), stores(Project(), *signing())
    assert reader.artifacts.signing_key == hidden
    app = create_app(settings, reader)
    told = [repr(settings), str(settings), repr(reader), repr(vars(reader)), repr(app.state.services)]
    monkeypatch.setenv("API_PORT", "high")
    monkeypatch.setenv("ARTIFACT_SIGNING_KEY", hidden)
    with pytest.raises(ConfigError, match="both set") as caught:
        load(keys="x:y:" + hidden)
    told.append(str(caught.value))
    for one in told:
        assert hidden not in one
        assert key not in one


def test_all_mistakes_of_the_settings_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the names of their variables."""
    monkeypatch.setenv("API_PORT", "high")
    monkeypatch.setenv("API_RATE_LIMIT", "0")
    with pytest.raises(ConfigError, match=r"API_PORT: found 'high'(.|\n)*API_RATE_LIMIT: found '0'"):
        load()


def test_more_requests_than_the_rate_allows_are_sent_away(site: Site, keys: tuple[dict[str, str], str]) -> None:
    """With the standard headers on every answer, and Retry-After on the refusal; each key counts for itself."""
    secrets, lines = keys
    client = connect(site, keys=lines, rate_limit=3)
    answers = [client.get("/api/v1/aliases?workspace=shop", headers={"X-API-Key": secrets["viewer"]}) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert {answer.headers["RateLimit-Limit"] for answer in answers} == {"3"}
    assert 0 < int(answers[-1].headers["Retry-After"]) == int(answers[-1].headers["RateLimit-Reset"]) <= 60
    assert answers[-1].json()["detail"].startswith("More than 3 requests in a minute.")
    assert client.get("/api/v1/aliases?workspace=shop", headers={"X-API-Key": secrets["admin"]}).status_code == 200
    guesses = [client.get("/api/v1/workspaces", headers={"X-API-Key": f"guess {n}"}).status_code for n in range(4)]
    assert guesses == [401, 401, 401, 429]


def test_a_window_ends_after_a_minute() -> None:
    """Then the whole limit is there again."""
    now = [100.0]
    rate = RateLimit(2, lambda: now[0])
    assert [rate.hit("a") for _ in range(3)] == [(1, 60), (0, 60), (-1, 60)]
    now[0] = 159.5
    assert rate.hit("a") == (-1, 1)
    assert rate.hit("b") == (1, 60)
    now[0] = 160.0
    assert rate.hit("a") == (1, 60)


def test_cors_is_off_unless_configured(site: Site) -> None:
    """No other site's page reads anything, but for those that are named."""
    preflight: dict[str, Any] = {
        "headers": {"Origin": "https://ours.example", "Access-Control-Request-Method": "GET"},
    }
    assert "access-control-allow-origin" not in connect(site).options("/api/v1/workspaces", **preflight).headers
    named = connect(site, cors_origins="https://ours.example, https://b.example")
    assert (
        named.options("/api/v1/workspaces", **preflight).headers["access-control-allow-origin"]
        == "https://ours.example"
    )
    other = named.get("/api/v1/workspaces", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers
