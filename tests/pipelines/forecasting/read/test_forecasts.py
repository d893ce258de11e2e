"""A forecast set by series, however its table is cut."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipelines.core.errors import NotFound
from pipelines.forecasting.read.clock import Clock
from pipelines.forecasting.read.forecasts import Forecasts, totals
from pipelines.storage.folders import Folder
from pipelines.storage.layout import Place
from pipelines.storage.store import Store

LENGTHS = {"a": 7, "b": 1, "c": 25, "d": 10}  # of each series; row groups hold ten rows


def rows() -> pd.DataFrame:
    parts = [
        pd.DataFrame({"unique_id": name, "ds": pd.date_range("2024-01-01", periods=n), "model": f"model of {name}"})
        for name, n in LENGTHS.items()
    ]
    table = pd.concat(parts, ignore_index=True).assign(y_hat=np.arange(43) / 7)
    return table.assign(
        lo_80=np.where(np.arange(43) % 5 == 0, np.nan, table["y_hat"] - 1),
        hi_80=table["y_hat"] + 1,
        lo_95=-9.0,
        hi_95=9.0,
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.setattr("pipelines.storage.store._ROW_GROUP", 10)
    draft = Store(str(tmp_path)).draft(Place(("one",)))
    draft.write_parquet("forecasts.parquet", rows())
    return draft.publish()


@pytest.mark.parametrize("name", LENGTHS)
def test_each_series_has_its_rows(folder: Folder, name: str) -> None:
    """Within a row group, over the border of two, over three whole ones; in any order of asking."""
    found, table = Forecasts.of(folder, Clock("D")), rows()
    expected = table[table["unique_id"] == name]
    points = found.points(name)
    assert (name in found, found.steps(name), found.model(name)) == (True, LENGTHS[name], f"model of {name}")
    assert [point["ds"] for point in points] == expected["ds"].dt.strftime("%Y-%m-%d").tolist()
    for column in ("y_hat", "lo_80", "hi_80", "lo_95", "hi_95"):
        known = [None if np.isnan(value) else value for value in expected[column]]
        assert [point[column] for point in points] == known
    assert found.points(name, h=12) == points[:12]
    assert [list(point) for point in found.points(name, 1, [95])] == [["ds", "y_hat", "lo_95", "hi_95"]]


def test_only_what_is_asked_for_is_decoded(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """One row group for a series that lies in it, and each once."""
    found = Forecasts.of(folder, Clock("D"))
    decoded: list[int] = []
    groups = [(number, load) for number, load in enumerate(found._groups)]
    monkeypatch.setattr(found, "_groups", [lambda n=n, load=load: (decoded.append(n), load())[1] for n, load in groups])
    for _ in range(2):
        found.points("a")
        assert decoded == [0]
    found.points("d")
    found.points("c")
    assert decoded == [0, 3, 4, 1, 2]


def test_a_series_that_is_not_there_is_not_found(folder: Folder) -> None:
    """By its name; an empty set has nobody."""
    found = Forecasts.of(folder, Clock("D"))
    with pytest.raises(NotFound, match="no forecast of the series 'e'"):
        found.points("e")
    assert ("e" in found, found.levels) == (False, [80, 95])
    draft = Store(folder.medium.root).draft(Place(("two",)))
    draft.write_parquet("forecasts.parquet", rows().head(0))
    assert "a" not in Forecasts.of(draft.publish(), Clock("D"))


@pytest.mark.parametrize(
    ("summed", "expected"),
    [(True, {"level": 5, "price": -2, "rest": 1}), (False, {"level": 2.5, "price": -1, "rest": 0.5})],
)
def test_parts_come_to_their_sum_or_mean_over_the_steps(summed: bool, expected: dict[str, float]) -> None:
    """A part that a step lacks is nothing there; a step of which something is not known does not count."""
    steps: list[dict[str, float | None]] = [
        {"level": 2, "price": -2},
        {"level": 9, "price": None},
        {"level": 3, "rest": 1},
    ]
    assert totals(steps, summed=summed) == expected
    assert totals([], summed=summed) == {}


def test_a_part_that_cancels_itself_comes_to_nothing() -> None:
    """A whole season leaves rounding, which is 0; a small part beside a large one stays what it is."""
    season = [0.1, 0.2, -0.3]
    assert sum(season) != 0
    steps: list[dict[str, float | None]] = [{"season": one, "level": 1e9, "price": 1e-6} for one in season]
    assert totals(steps, summed=True) == {"season": 0, "level": 3e9, "price": pytest.approx(3e-6)}
