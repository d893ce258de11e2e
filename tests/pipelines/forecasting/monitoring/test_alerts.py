"""The log of alerts and their way out, without a workspace around them."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.core.errors import ConfigError, NotFound, StoreError
from pipelines.forecasting.monitoring import alerts, delivery
from pipelines.forecasting.monitoring.alerts import Alert
from pipelines.forecasting.thresholds import Delivery
from pipelines.storage.catalog import Reader
from pipelines.storage.store import Store, Stores
from tests.support.serving import Quiet, answering


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return Stores(Store(str(tmp_path / "data")), Store(str(tmp_path / "artifacts")))


def alert(**changed: str) -> Alert:
    given = {"workspace": "shop", "kind": "error", "subject": "series", "as_of": "2024-05-01T00:00:00Z"}
    return Alert(**{**given, **changed}, severity="alert", message="Error in Ash.", named=("Ash\u2028Elm",))  # type: ignore[arg-type]


def test_the_same_news_is_raised_once(reader: Reader) -> None:
    """Another time or subject is other news."""
    assert len(alerts.raise_new(reader, [alert(), alert()])) == 1
    assert alerts.raise_new(reader, [alert()]) == []
    assert len(alerts.raise_new(reader, [alert(as_of="2024-05-08T00:00:00Z"), alert(subject="groups")])) == 2
    found = alerts.all_of(reader, "shop")
    assert [one["as_of"][:10] for one in found] == ["2024-05-08", "2024-05-01", "2024-05-01"]
    assert found[0]["named"] == ["Ash\u2028Elm"]


def test_a_torn_line_hides_no_other(reader: Reader, tmp_path: Path) -> None:
    """As a full disk leaves it in the middle of the log, or a crash at its end."""
    alerts.raise_new(reader, [alert()])
    log = tmp_path / "artifacts/shop/monitoring/alerts.jsonl"
    with log.open("a") as file:
        file.write('{"event": "rai\n')
    alerts.acknowledge(reader, "shop", alert().id, by="ada")
    with log.open("a") as file:
        file.write('{"event": "acknowl')
    (found,) = alerts.all_of(reader, "shop")
    assert found["acknowledged"]["by"] == "ada"


def test_the_figures_of_an_alert_of_0_1_0_are_read_as_fractions(reader: Stores) -> None:
    """They were in percent, and its line says nothing of a unit; those of new alerts are fractions as they are raised."""
    old = {
        "event": "raised",
        "id": "0" * 16,
        "at": "2024-04-01T00:00:00+00:00",
        "workspace": "shop",
        "kind": "coverage",
    }
    old |= {"subject": "series", "as_of": "2024-04-01T00:00:00Z", "severity": "alert", "message": "", "named": []}
    by_name, by_metric = (
        {"unique_id": "Ash", "coverage_80": 0.5},
        {"metric": "coverage_80", "value": 50.0, "baseline": 81},
    )
    line = json.dumps({**old, "figures": [by_name, by_metric]})
    reader.artifacts.append(reader.places("shop").alerts, line)
    raised = replace(alert(kind="coverage"), figures=[by_name])
    alerts.raise_new(reader, [raised])
    new, old = alerts.all_of(reader, "shop")
    assert old["figures"] == [
        {"unique_id": "Ash", "coverage_80": 0.005}, {"metric": "coverage_80", "value": 0.5, "baseline": 0.81}
    ]  # fmt: skip
    assert new["figures"] == [by_name]
    assert set(new) == set(old)


def test_what_was_never_raised_cannot_be_acknowledged(reader: Reader) -> None:
    """Nothing is added to the log."""
    with pytest.raises(NotFound):
        alerts.acknowledge(reader, "shop", "0" * 16, by="ada")
    assert alerts.all_of(reader, "shop") == []


def test_the_address_comes_from_the_environment_or_a_file(tmp_path: Path) -> None:
    """None without either; what is no address is refused without being repeated."""
    secret = tmp_path / "url"
    secret.write_text("https://hooks.example/T0/secret\n")
    assert delivery.webhook({}) is None
    assert delivery.webhook({"MONITORING_WEBHOOK_URL_FILE": str(secret)}) == "https://hooks.example/T0/secret"
    for wrong in ("file:///etc/secret", "hooks.example/secret", "https:///secret"):
        with pytest.raises(ConfigError) as error:
            delivery.webhook({"MONITORING_WEBHOOK_URL": wrong})
        assert "secret" not in str(error.value)
    with pytest.raises(ConfigError, match="cannot be read"):
        delivery.webhook({"MONITORING_WEBHOOK_URL_FILE": str(tmp_path / "gone")})


def test_nobody_there_is_given_up_and_kept_aside(reader: Reader, tmp_path: Path) -> None:
    """After the attempts that are allowed; it is not sent again, and the address is in no file."""
    alerts.raise_new(reader, [alert()])
    url = "http://127.0.0.1:9/secret"
    assert delivery.deliver(reader, "shop", url, Delivery(attempts=2, wait=0, timeout=1))["given_up"] == 1
    assert delivery.deliver(reader, "shop", url, Delivery()) == {"delivered": 0, "given_up": 0}
    written = "".join(path.read_text() for path in (tmp_path / "artifacts/shop/monitoring").iterdir())
    assert "no answer (ConnectionRefusedError)" in written
    assert "secret" not in written


@pytest.mark.parametrize(
    "damage",
    [
        b"[]\n", b"5\n", b"{}\n", b'{"event": "raised", "id": "aaaa"}\n', b'{"event": "acknowledged", "id": "%s"}\n',
        b'{"event": "raised", "id": 5}\n', b'{"event": "of a later version", "id": "a", "at": "x"}\n', b"\xff\xfe\n",
        b"\0" * 512 + b"\n", b'{"event": "ackno', b"\xff", b"[" * 100_000 + b"\n", b'{"event": {"a": 1}}\n',
    ],
    ids=lambda one: repr(one[:24]),
)  # fmt: skip
def test_whatever_stands_in_the_log_alerts_are_listed_and_acknowledged(
    reader: Reader, tmp_path: Path, damage: bytes
) -> None:
    """Events that lack a field, lines that are none, and a torn end: what is acknowledged is recorded."""
    alerts.raise_new(reader, [alert()])
    log = tmp_path / "artifacts/shop/monitoring/alerts.jsonl"
    log.write_bytes(log.read_bytes() + damage.replace(b"%s", alert().id.encode()))
    assert [one["acknowledged"] for one in alerts.all_of(reader, "shop")] == [None]
    assert alerts.acknowledge(reader, "shop", alert().id, by="ada", note="seen")["acknowledged"]["by"] == "ada"
    (found,) = alerts.all_of(reader, "shop")
    assert found["acknowledged"]["note"] == "seen"


def test_an_acknowledgement_that_is_not_recorded_is_an_error(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever became of it on the way: nobody is told that it was done."""
    alerts.raise_new(reader, [alert()])
    monkeypatch.setattr(Store, "append", lambda *_, **__: None)
    with pytest.raises(StoreError, match="was not recorded"):
        alerts.acknowledge(reader, "shop", alert().id, by="ada")


def test_an_alert_follows_no_redirect(reader: Reader) -> None:
    """Whoever the webhook names gets nothing; the alert is given up and kept."""
    reached: list[str] = []

    class Other(Quiet):
        def do_GET(self) -> None:
            reached.append(self.path)

        do_POST = do_GET

    with answering(Other) as other:

        class Hook(Quiet):
            def do_POST(self) -> None:
                self.send_response(307)
                self.send_header("Location", other)
                self.send_header("Content-Length", "0")
                self.end_headers()

        alerts.raise_new(reader, [alert()])
        with answering(Hook) as hook:
            assert delivery.deliver(reader, "shop", hook, Delivery(attempts=2, wait=0))["given_up"] == 1
    assert reached == []
    assert reader.artifacts.events(reader.places("shop").dead_letters)[0]["why"] == "answered 307"
