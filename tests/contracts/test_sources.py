"""What every registered source must do, whatever it reads."""

import hashlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pandas.testing import assert_frame_equal
from pydantic import ValidationError

from pipelines.core import plugins
from pipelines.sources import Source

PACKAGE = "pipelines.sources"
NAMES = plugins.names(PACKAGE)
CONTENT = "store,date,units\nA,2024-01-01,1\nA,2024-01-02,2\n"


def file_options(folder: Path) -> dict[str, Any]:
    (folder / "sales.csv").write_text(CONTENT, encoding="utf-8")
    return {"path": "sales.csv"}


def download_options(folder: Path) -> dict[str, Any]:
    (folder / "remote.csv").write_text(CONTENT, encoding="utf-8")
    return {"url": (folder / "remote.csv").as_uri(), "sha256": hashlib.sha256(CONTENT.encode()).hexdigest()}


def sql_options(folder: Path) -> dict[str, Any]:
    with sqlite3.connect(folder / "shop.db") as connection:
        connection.execute("CREATE TABLE sales AS SELECT 'A' AS store, '2024-01-01' AS date, 1 AS units")
    connection.close()
    return {"url_env": "SHOP_URL", "query": "SELECT * FROM sales"}


EXAMPLES: dict[str, Callable[[Path], dict[str, Any]]] = {
    "download": download_options,
    "file": file_options,
    "packaged": lambda folder: {"dataset": "nile"},
    "retail_demo": lambda folder: {"stores": 2, "products": 3, "days": 60},
    "sql": sql_options,
}


@pytest.fixture(params=NAMES)
def source(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Source:
    monkeypatch.setenv("SHOP_URL", "sqlite:///shop.db")
    module = plugins.load(PACKAGE, request.param)
    made: Source = module.build(module.Options.model_validate(EXAMPLES[request.param](tmp_path)), tmp_path)
    return made


def test_every_source_has_an_example() -> None:
    """A new source is only complete with an example here, by which its contract is checked."""
    assert set(EXAMPLES) == set(NAMES)


def test_every_source_gives_rows_with_named_columns_and_their_origin(source: Source) -> None:
    """At least one row, column names that are text and differ, and an origin that people can read."""
    raw = source.read()
    assert len(raw.rows) >= 1
    assert all(isinstance(name, str) and name for name in raw.rows.columns)
    assert raw.rows.columns.is_unique
    assert raw.origin.strip()
    assert all(isinstance(note, str) and note for note in raw.notes)


def test_every_source_reads_the_same_twice(source: Source) -> None:
    """Two reads of one state are equal, in rows, order and what is said of them."""
    first, second = source.read(), source.read()
    assert_frame_equal(first.rows, second.rows)
    assert (first.origin, first.synthetic, first.notes) == (second.origin, second.synthetic, second.notes)


@pytest.mark.parametrize("name", NAMES)
def test_every_source_refuses_an_unknown_option(name: str, tmp_path: Path) -> None:
    """A mistyped option is an error, not a default."""
    options = plugins.load(PACKAGE, name).Options
    with pytest.raises(ValidationError, match="mistyped"):
        options.model_validate({**EXAMPLES[name](tmp_path), "mistyped": 1})


@pytest.mark.parametrize("name", NAMES)
def test_every_source_reads_only_when_asked(name: str, tmp_path: Path) -> None:
    """Building a source touches neither disk nor network; that is left to `read`."""
    module = plugins.load(PACKAGE, name)
    options = module.Options.model_validate(EXAMPLES[name](tmp_path))
    before = sorted(tmp_path.rglob("*"))
    module.build(options, tmp_path / "elsewhere")
    assert sorted(tmp_path.rglob("*")) == before
