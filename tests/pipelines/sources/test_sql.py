"""The SQL source: rows from a database, its address from the environment, and no password in any message."""

import sqlite3
from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from pipelines.core.errors import DataError
from pipelines.sources import Raw, sql
from tests.support.errors import message_of

QUERY = "SELECT store, day, units FROM sales ORDER BY day"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE sales (store TEXT, day TEXT, units TEXT)")
        connection.executemany(
            "INSERT INTO sales VALUES (?, ?, ?)", [("A", "2024-01-01", "1,5"), ("None", "2024-01-02", "2")]
        )
    connection.close()
    return path


def read(folder: Path, **options: str) -> Raw:
    return sql.build(sql.Options.model_validate({"query": QUERY, **options}), folder).read()


def refused(folder: Path, **options: str) -> str:
    with pytest.raises(DataError) as caught:
        read(folder, **options)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return message_of(caught.value)


@pytest.mark.parametrize("absolute", [True, False])
def test_rows_come_as_the_database_has_them(monkeypatch: pytest.MonkeyPatch, database: Path, absolute: bool) -> None:
    """Text stays text; a relative SQLite path lies in the data folder."""
    monkeypatch.setenv("SOURCE_SQL_URL", f"sqlite:///{database}" if absolute else f"sqlite:///{database.name}")
    raw = read(database.parent)
    expected = pd.DataFrame({"store": ["A", "None"], "day": ["2024-01-01", "2024-01-02"], "units": ["1,5", "2"]})
    assert_frame_equal(raw.rows, expected)
    assert raw.origin == f"database sqlite:///{database}"


def test_another_variable_may_hold_the_address(monkeypatch: pytest.MonkeyPatch, database: Path) -> None:
    """Two workspaces can read two databases."""
    monkeypatch.delenv("SOURCE_SQL_URL", raising=False)
    monkeypatch.setenv("SHOP_URL", f"sqlite:///{database}")
    assert len(read(database.parent, url_env="SHOP_URL").rows) == 2


def test_a_query_changes_nothing(monkeypatch: pytest.MonkeyPatch, database: Path) -> None:
    """A statement that writes is rolled back."""
    monkeypatch.setenv("SOURCE_SQL_URL", f"sqlite:///{database}")
    assert len(read(database.parent, query="DELETE FROM sales RETURNING store").rows) == 2
    assert len(read(database.parent).rows) == 2


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT colour FROM sales", "the query failed (no such column: colour)"),
        ("SELEKT 1", "the query failed"),
        ("SELECT units FROM sales WHERE day = :day", "the query failed"),
        ("UPDATE sales SET units = '0'", "the query failed"),
        ("SELECT units, units FROM sales", "column 'units' stands twice"),
        ("SELECT * FROM sales WHERE day > '2030'", "the query returned no rows"),
    ],
)
def test_wrong_queries_are_told(monkeypatch: pytest.MonkeyPatch, database: Path, query: str, said: str) -> None:
    """What the database says about a query reaches the user in one sentence."""
    monkeypatch.setenv("SOURCE_SQL_URL", f"sqlite:///{database}")
    assert said in refused(database.parent, query=query)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (None, "SOURCE_SQL_URL is not set"),
        ("  ", "SOURCE_SQL_URL is not set"),
        ("hunter2 is no address", "holds no database address"),
        ("postgresql://u:hunter2@h:port/d", "holds no database address"),
        ("nosuch://u:hunter2@host/db", "SQLAlchemy knows no driver 'nosuch'"),
        ("mysql+pymysql://u:hunter2@host/db", "'pymysql' is not installed"),
        ("sqlite:///missing.db?password=hunter2", "there is no SQLite file"),
        ("sqlite:////tmp?password=hunter2", "there is no SQLite file"),
        ("sqlite://u:hunter2@host/shop.db", ""),
    ],
)
def test_wrong_addresses_are_told_without_the_password(
    monkeypatch: pytest.MonkeyPatch, database: Path, url: str | None, said: str
) -> None:
    """The message names the variable or the hidden address and what is wrong with it."""
    monkeypatch.delenv("SOURCE_SQL_URL", raising=False)
    if url is not None:
        monkeypatch.setenv("SOURCE_SQL_URL", url)
    message = refused(database.parent)
    assert said in message
    assert "hunter2" not in message


@pytest.mark.filterwarnings("ignore:Query string argument")  # SQLite takes no password
def test_failed_connection_hides_what_the_driver_says_of_the_password(
    monkeypatch: pytest.MonkeyPatch, database: Path
) -> None:
    """Even a driver that quotes the password in its error does not reveal it."""

    def connect(*args: object, **kwargs: object) -> None:
        raise sqlite3.OperationalError("no entry for hunter2 (password=hunter2; PWD=hunter2)\nsecond line")

    monkeypatch.setenv("SOURCE_SQL_URL", f"sqlite:///{database}?password=hunter2")
    monkeypatch.setattr("sqlite3.dbapi2.connect", connect)
    monkeypatch.setattr("sqlite3.connect", connect)
    message = refused(database.parent)
    assert "cannot connect" in message
    assert "hunter2" not in message
    assert "second line" not in message


def test_an_address_in_the_configuration_is_refused_unseen(tmp_path: Path) -> None:
    """Who writes the address where the variable's name belongs is told so, without an echo of it."""
    message = refused(tmp_path, url_env="postgresql://u:hunter2@host/db")
    assert "name of an environment variable" in message
    assert "hunter2" not in message
