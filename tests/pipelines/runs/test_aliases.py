"""Aliases: one write moves what is in production and what is served."""

import getpass
import json
from pathlib import Path

import pytest

from pipelines.core.errors import ConfigError, Conflict, ForecastError, NotFound
from pipelines.core.names import new_version
from pipelines.forecasting import payload
from pipelines.forecasting.figures import Figures
from pipelines.forecasting.settings import Workspace
from pipelines.runs import aliases
from pipelines.storage.folders import Folder
from pipelines.storage.pointers import Aliases, Served
from pipelines.storage.records import Data
from pipelines.storage.store import Store, Stores
from tests.support import records

WORKSPACE = Workspace.model_validate({"name": "mine", "source": {"kind": "file", "path": "x.csv"}, "frequency": "D"})


@pytest.fixture
def stores(tmp_path: Path) -> Stores:
    return Stores(Store(str(tmp_path / "data")), Store(str(tmp_path / "artifacts")))


def trained(stores: Stores) -> str:
    return payload.begin(stores, WORKSPACE, Data(), None).succeed(Figures()).name


def forecast(stores: Stores, run_id: str, as_of: str = "2024-02-29T00:00:00Z") -> Folder:
    draft = stores.artifacts.draft(stores.places("mine").forecast_set(new_version()))
    draft.write_record(records.forecast_set(run_id, as_of=as_of))
    return draft.publish()


def served(stores: Stores) -> tuple[str, str | None]:
    pointers = stores.pointers("mine")
    return pointers.production.run_id, pointers.published.forecast_id if pointers.published else None


def test_promoting_says_what_when_who_and_why(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    """The alias keeps the reason and the run before; the first one has none."""
    monkeypatch.setattr(getpass, "getuser", lambda: "ada")
    first, second = trained(stores), trained(stores)
    aliases.promote(stores, "mine", first, "the first")
    alias = aliases.promote(stores, "mine", second, "better").production
    assert {key: getattr(alias, key) for key in ("run_id", "by", "reason", "previous")} == {
        "run_id": second,
        "by": "ada",
        "reason": "better",
        "previous": first,
    }
    assert alias.at.endswith("+00:00")
    assert stores.production("mine").name == second


def test_every_move_is_in_the_audit_file(stores: Stores) -> None:
    """Who, when, from, to and why, a line each with the version that it made; what was refused has none."""
    first, second = trained(stores), trained(stores)
    aliases.promote(stores, "mine", first, "the first", by="ada")
    aliases.promote(stores, "mine", second, "better", alias="canary", by="bob")
    with pytest.raises(Conflict):
        aliases.promote(stores, "mine", second, "late", expected=0)
    aliases.promote(stores, "mine", second, "better")
    aliases.rollback(stores, "mine", "worse")
    lines = Path(stores.artifacts.path(stores.places("mine").audit)).read_text().splitlines()
    moves = [json.loads(line) for line in lines]
    assert [(m["version"], m["alias"], m["from"], m["to"], m["reason"]) for m in moves] == [
        (1, "production", None, first, "the first"),
        (2, "canary", None, second, "better"),
        (3, "production", first, second, "better"),
        (4, "production", second, first, "worse"),
    ]
    assert [move["by"] for move in moves[:2]] == ["ada", "bob"]
    assert stores.pointers("mine").production.at == moves[-1]["at"]


def test_a_user_without_a_name_can_promote(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container that runs under a number."""

    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 1234")

    monkeypatch.setattr(getpass, "getuser", nobody)
    pointers = aliases.promote(stores, "mine", trained(stores), "x")
    assert pointers.production.by.startswith("uid ")


def test_promoting_moves_what_is_served_in_the_same_write(stores: Stores) -> None:
    """To the newest forecast set of that run: version by version, the two always belong together."""
    first, second = trained(stores), trained(stores)
    old, new, other = forecast(stores, first), forecast(stores, first), forecast(stores, second)
    assert old.name < new.name
    for version, (run, expected) in enumerate([(first, new), (second, other), (first, new)], start=1):
        pointers = aliases.promote(stores, "mine", run, "x")
        assert pointers.version == version
        assert served(stores) == (run, expected.name)
        assert pointers.published == Served(forecast_id=expected.name, run_id=run, as_of="2024-02-29T00:00:00Z")


def test_a_run_without_forecasts_leaves_what_is_served(stores: Stores) -> None:
    """Until its own come, the old ones stay; an unfinished or damaged set does not count."""
    first, second = trained(stores), trained(stores)
    old = forecast(stores, first)
    aliases.promote(stores, "mine", first, "x")
    unfinished = stores.artifacts.draft(stores.places("mine").forecast_set(new_version()))
    unfinished.write_record(records.forecast_set(second))
    Path(forecast(stores, second).where, "inference.json").write_text("{}")
    aliases.promote(stores, "mine", second, "x")
    assert served(stores) == (second, old.name)


def test_another_alias_does_not_move_what_is_served(stores: Stores) -> None:
    """A canary is a name only."""
    first, second = trained(stores), trained(stores)
    old, _ = forecast(stores, first), forecast(stores, second)
    aliases.promote(stores, "mine", first, "x")
    aliases.promote(stores, "mine", second, "x", alias="canary")
    assert served(stores) == (first, old.name)
    assert stores.pointers("mine").aliases["canary"].run_id == second


def test_only_a_finished_success_can_be_promoted(stores: Stores) -> None:
    """A failed run, one that is being written, one that never was, and names that are none."""
    failed = payload.begin(stores, WORKSPACE, Data(), None).fail(ForecastError("x")).name
    running = payload.begin(stores, WORKSPACE, Data(), None).run_id
    for run_id, error, message in [
        (failed, ForecastError, "did not succeed and cannot become production"),
        (running, NotFound, "never finished"),
        (new_version(), NotFound, "does not exist"),
        ("../../etc", ConfigError, "not of the form"),
    ]:
        with pytest.raises(error, match=message):
            aliases.promote(stores, "mine", run_id, "x")
    with pytest.raises(ConfigError, match=r"alias '\.\./x' is not allowed"):
        aliases.promote(stores, "mine", trained(stores), "x", alias="../x")
    assert stores.pointers("mine") == Aliases(version=0)


def test_who_saw_an_old_state_cannot_promote(stores: Stores) -> None:
    """Conflict, and the pointers stay."""
    run = trained(stores)
    aliases.promote(stores, "mine", run, "x", expected=0)
    before = stores.pointers("mine")
    with pytest.raises(Conflict, match="version 1, not 0"):
        aliases.promote(stores, "mine", trained(stores), "x", expected=0)
    assert stores.pointers("mine") == before


def test_rolling_back_returns_to_the_run_before_and_its_forecasts(stores: Stores) -> None:
    """And rolling back the rollback returns to the run that was left."""
    first, second = trained(stores), trained(stores)
    old, new = forecast(stores, first), forecast(stores, second)
    aliases.promote(stores, "mine", first, "x")
    aliases.promote(stores, "mine", second, "x")
    aliases.rollback(stores, "mine", "worse")
    assert served(stores) == (first, old.name)
    aliases.rollback(stores, "mine", "it was not")
    assert served(stores) == (second, new.name)


def test_promoting_twice_keeps_the_way_back(stores: Stores) -> None:
    """The run before is still the other one."""
    first, second = trained(stores), trained(stores)
    for run in (first, second, second):
        aliases.promote(stores, "mine", run, "x")
    aliases.rollback(stores, "mine", "x")
    assert stores.production("mine").name == first


@pytest.mark.parametrize("promoted", [0, 1])
def test_without_an_earlier_run_there_is_no_way_back(stores: Stores, promoted: int) -> None:
    """The error names alias and workspace."""
    for _ in range(promoted):
        aliases.promote(stores, "mine", trained(stores), "x")
    with pytest.raises(NotFound, match="alias production of workspace mine has no earlier run"):
        aliases.rollback(stores, "mine", "x")


def test_forecasts_are_published_for_the_run_in_production_only(stores: Stores) -> None:
    """When production moved while they were made, they stay unpublished and the user is told."""
    first, second = trained(stores), trained(stores)
    aliases.promote(stores, "mine", first, "x")
    fresh = forecast(stores, first)
    aliases.publish(stores, "mine", fresh, first, "2024-02-29T00:00:00Z")
    assert served(stores) == (first, fresh.name)
    late = forecast(stores, first)
    aliases.promote(stores, "mine", second, "x")
    with pytest.raises(Conflict, match=f"production is run {second} by now, not {first}. Run inference again"):
        aliases.publish(stores, "mine", late, first, "2024-02-29T00:00:00Z")
    assert served(stores) == (second, fresh.name)
