"""Aliases: one write moves what is in production and what is served."""

import getpass
import json
from pathlib import Path

import pytest

from pipelines.core.errors import ConfigError, Conflict, ForecastError, NotFound
from pipelines.forecasting import payload
from pipelines.forecasting.settings import Workspace
from pipelines.runs import aliases
from pipelines.storage.catalog import Reader
from pipelines.storage.folders import Folder
from pipelines.storage.store import Store, new_version

WORKSPACE = Workspace.model_validate({"name": "mine", "source": {"kind": "file", "path": "x.csv"}, "frequency": "D"})


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return Reader(Store(str(tmp_path / "data")), Store(str(tmp_path / "artifacts")))


def trained(reader: Reader) -> str:
    return payload.begin(reader.artifacts, WORKSPACE, {}, None).succeed({}).name


def forecast(reader: Reader, run_id: str, as_of: str = "2024-02-29T00:00:00Z") -> Folder:
    draft = reader.artifacts.draft("mine", "forecasts", new_version())
    draft.write_json("inference.json", {"run_id": run_id, "as_of": as_of})
    return draft.publish()


def served(reader: Reader) -> tuple[str, str | None]:
    pointers = reader.pointers("mine")
    return pointers["aliases"]["production"]["run_id"], (pointers["published"] or {}).get("forecast_id")


def test_promoting_says_what_when_who_and_why(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    """The alias keeps the reason and the run before; the first one has none."""
    monkeypatch.setattr(getpass, "getuser", lambda: "ada")
    first, second = trained(reader), trained(reader)
    aliases.promote(reader, "mine", first, "the first")
    alias = aliases.promote(reader, "mine", second, "better")["aliases"]["production"]
    assert {key: alias[key] for key in ("run_id", "by", "reason", "previous")} == {
        "run_id": second,
        "by": "ada",
        "reason": "better",
        "previous": first,
    }
    assert alias["at"].endswith("+00:00")
    assert reader.production("mine").name == second


def test_every_move_is_in_the_audit_file(reader: Reader) -> None:
    """Who, when, from, to and why, a line each with the version that it made; what was refused has none."""
    first, second = trained(reader), trained(reader)
    aliases.promote(reader, "mine", first, "the first", by="ada")
    aliases.promote(reader, "mine", second, "better", alias="canary", by="bob")
    with pytest.raises(Conflict):
        aliases.promote(reader, "mine", second, "late", expected=0)
    aliases.promote(reader, "mine", second, "better")
    aliases.rollback(reader, "mine", "worse")
    lines = Path(reader.artifacts.path("mine", aliases.AUDIT)).read_text().splitlines()
    moves = [json.loads(line) for line in lines]
    assert [(m["version"], m["alias"], m["from"], m["to"], m["reason"]) for m in moves] == [
        (1, "production", None, first, "the first"),
        (2, "canary", None, second, "better"),
        (3, "production", first, second, "better"),
        (4, "production", second, first, "worse"),
    ]
    assert [move["by"] for move in moves[:2]] == ["ada", "bob"]
    assert reader.pointers("mine")["aliases"]["production"]["at"] == moves[-1]["at"]


def test_a_user_without_a_name_can_promote(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container that runs under a number."""

    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 1234")

    monkeypatch.setattr(getpass, "getuser", nobody)
    pointers = aliases.promote(reader, "mine", trained(reader), "x")
    assert pointers["aliases"]["production"]["by"].startswith("uid ")


def test_promoting_moves_what_is_served_in_the_same_write(reader: Reader) -> None:
    """To the newest forecast set of that run: version by version, the two always belong together."""
    first, second = trained(reader), trained(reader)
    old, new, other = forecast(reader, first), forecast(reader, first), forecast(reader, second)
    assert old.name < new.name
    for version, (run, expected) in enumerate([(first, new), (second, other), (first, new)], start=1):
        pointers = aliases.promote(reader, "mine", run, "x")
        assert pointers["version"] == version
        assert served(reader) == (run, expected.name)
        assert pointers["published"] == {"forecast_id": expected.name, "run_id": run, "as_of": "2024-02-29T00:00:00Z"}


def test_a_run_without_forecasts_leaves_what_is_served(reader: Reader) -> None:
    """Until its own come, the old ones stay; an unfinished or damaged set does not count."""
    first, second = trained(reader), trained(reader)
    old = forecast(reader, first)
    aliases.promote(reader, "mine", first, "x")
    reader.artifacts.draft("mine", "forecasts", new_version()).write_json("inference.json", {"run_id": second})
    Path(forecast(reader, second).where, "inference.json").write_text("{}")
    aliases.promote(reader, "mine", second, "x")
    assert served(reader) == (second, old.name)


def test_another_alias_does_not_move_what_is_served(reader: Reader) -> None:
    """A canary is a name only."""
    first, second = trained(reader), trained(reader)
    old, _ = forecast(reader, first), forecast(reader, second)
    aliases.promote(reader, "mine", first, "x")
    aliases.promote(reader, "mine", second, "x", alias="canary")
    assert served(reader) == (first, old.name)
    assert reader.pointers("mine")["aliases"]["canary"]["run_id"] == second


def test_only_a_finished_success_can_be_promoted(reader: Reader) -> None:
    """A failed run, one that is being written, one that never was, and names that are none."""
    failed = payload.begin(reader.artifacts, WORKSPACE, {}, None).fail(ForecastError("x")).name
    running = payload.begin(reader.artifacts, WORKSPACE, {}, None).run_id
    for run_id, error, message in [
        (failed, ForecastError, "did not succeed and cannot become production"),
        (running, NotFound, "never finished"),
        (new_version(), NotFound, "does not exist"),
        ("../../etc", ConfigError, "not of the form"),
    ]:
        with pytest.raises(error, match=message):
            aliases.promote(reader, "mine", run_id, "x")
    with pytest.raises(ConfigError, match=r"alias '\.\./x' is not allowed"):
        aliases.promote(reader, "mine", trained(reader), "x", alias="../x")
    assert reader.pointers("mine") == {"version": 0, "aliases": {}, "published": None}


def test_who_saw_an_old_state_cannot_promote(reader: Reader) -> None:
    """Conflict, and the pointers stay."""
    run = trained(reader)
    aliases.promote(reader, "mine", run, "x", expected=0)
    before = reader.pointers("mine")
    with pytest.raises(Conflict, match="version 1, not 0"):
        aliases.promote(reader, "mine", trained(reader), "x", expected=0)
    assert reader.pointers("mine") == before


def test_rolling_back_returns_to_the_run_before_and_its_forecasts(reader: Reader) -> None:
    """And rolling back the rollback returns to the run that was left."""
    first, second = trained(reader), trained(reader)
    old, new = forecast(reader, first), forecast(reader, second)
    aliases.promote(reader, "mine", first, "x")
    aliases.promote(reader, "mine", second, "x")
    aliases.rollback(reader, "mine", "worse")
    assert served(reader) == (first, old.name)
    aliases.rollback(reader, "mine", "it was not")
    assert served(reader) == (second, new.name)


def test_promoting_twice_keeps_the_way_back(reader: Reader) -> None:
    """The run before is still the other one."""
    first, second = trained(reader), trained(reader)
    for run in (first, second, second):
        aliases.promote(reader, "mine", run, "x")
    aliases.rollback(reader, "mine", "x")
    assert reader.production("mine").name == first


@pytest.mark.parametrize("promoted", [0, 1])
def test_without_an_earlier_run_there_is_no_way_back(reader: Reader, promoted: int) -> None:
    """The error names alias and workspace."""
    for _ in range(promoted):
        aliases.promote(reader, "mine", trained(reader), "x")
    with pytest.raises(NotFound, match="alias production of workspace mine has no earlier run"):
        aliases.rollback(reader, "mine", "x")


def test_forecasts_are_published_for_the_run_in_production_only(reader: Reader) -> None:
    """When production moved while they were made, they stay unpublished and the user is told."""
    first, second = trained(reader), trained(reader)
    aliases.promote(reader, "mine", first, "x")
    fresh = forecast(reader, first)
    aliases.publish(reader, "mine", fresh, first, "2024-02-29T00:00:00Z")
    assert served(reader) == (first, fresh.name)
    late = forecast(reader, first)
    aliases.promote(reader, "mine", second, "x")
    with pytest.raises(Conflict, match=f"production is run {second} by now, not {first}. Run inference again"):
        aliases.publish(reader, "mine", late, first, "2024-02-29T00:00:00Z")
    assert served(reader) == (second, fresh.name)
