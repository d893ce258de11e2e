"""The result of a query on any database supported by SQLAlchemy; its address is read only from the environment."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import pandas as pd
from pydantic import StringConstraints

from pipelines.core.errors import DataError
from pipelines.core.layers import Strict
from pipelines.core.secrets import secret
from pipelines.sources import Raw, Source
from pipelines.sources._columns import column_names

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine

_EXAMPLE = "postgresql+psycopg://user:password@host/database"
_SECRET_KEY = re.compile(r"(?i)pass|pwd|secret|token|key")
_SECRET = re.compile(r"(?i)\b(\w*(?:pass|passwd|password|pwd|secret|token|key))\s*=\s*[^;&\s]+")


class Options(Strict):
    url_env: str = "SOURCE_SQL_URL"  # name of the variable: an address may contain a password, so it is never in a file
    query: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


@dataclass(frozen=True)
class SqlSource:
    options: Options
    data_dir: Path

    def read(self) -> Raw:
        """All rows of the query's result. Nothing is committed; no message shows a password."""
        from sqlalchemy.exc import SQLAlchemyError

        url = self._url()
        where = f"database {url.set(query={}).render_as_string(hide_password=True)}"
        engine = _engine(url, where)
        try:
            with engine.connect() as connection:
                rows = _query(connection, self.options.query, where, url)
        except (SQLAlchemyError, OSError, TypeError, ValueError) as error:  # drivers raise the latter for bad options
            raise DataError(
                f"cannot connect ({_reason(error, url)})",
                code="cannot_connect",
                field=self.options.url_env,
                where=where,
                remedy=f"Check that it runs and that the address in {self.options.url_env} is right.",
            ) from None
        finally:
            engine.dispose()
        if rows.empty:
            raise DataError(
                "the query returned no rows",
                code="no_rows",
                field="source.query",
                where=where,
                remedy="Check source.query.",
            )
        return Raw(rows, where)

    def _url(self) -> "URL":
        """The address; a relative SQLite path refers to the data folder, like other relative paths."""
        from sqlalchemy import make_url
        from sqlalchemy.exc import ArgumentError

        variable = self.options.url_env
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", variable):
            raise DataError(
                "source.url_env: found something else than the name of an environment variable",
                code="not_a_variable",
                field="source.url_env",
                remedy="Put the address into a variable such as SOURCE_SQL_URL and give its name.",
            )
        if (text := secret(variable)) is None:
            raise DataError(
                f"environment variable {variable} is not set",
                code="address_not_set",
                field=variable,
                remedy=f"Set it to the address: {_EXAMPLE}.",
            )
        try:
            url = make_url(text)
        except (ArgumentError, ValueError):  # their texts are not shown, since they may contain the address
            raise DataError(
                f"environment variable {variable} holds no database address",
                code="wrong_address",
                field=variable,
                remedy=f"Set it to an address like {_EXAMPLE}.",
            ) from None
        if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:") or "uri" in url.query:
            return url
        path = self.data_dir.absolute() / str(url.database)
        if not path.is_file():  # SQLite would create an empty one
            raise DataError(
                f"there is no SQLite file {path}",
                code="file_not_found",
                field=variable,
                where=f"environment variable {variable}",
                remedy="Correct the address.",
            )
        return url.set(database=str(path))


def build(options: Options, data_dir: Path) -> Source:
    return SqlSource(options, data_dir)


def _engine(url: "URL", where: str) -> "Engine":
    from sqlalchemy import create_engine
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError
    from sqlalchemy.pool import NullPool

    try:
        return create_engine(url, poolclass=NullPool, hide_parameters=True)
    except NoSuchModuleError:
        raise DataError(
            f"SQLAlchemy knows no driver '{url.drivername}'",
            code="unknown_driver",
            field="source.url_env",
            found=url.drivername,
            where=where,
            remedy=f"Use an address like {_EXAMPLE} in the variable of source.url_env.",
        ) from None
    except ModuleNotFoundError as error:
        raise DataError(
            f"the driver '{error.name}' is not installed",
            code="package_not_installed",
            found=error.name,
            where=where,
            remedy=f"Install it: pip install {error.name}.",
        ) from None
    except (ArgumentError, TypeError, ValueError) as error:
        raise DataError(
            f"the address cannot be used ({_reason(error, url)})",
            code="wrong_address",
            field="source.url_env",
            where=where,
            remedy="Correct the variable that source.url_env names.",
        ) from None


def _query(connection: "Connection", query: str, where: str, url: "URL") -> pd.DataFrame:
    from sqlalchemy import text
    from sqlalchemy.exc import SQLAlchemyError

    try:
        rows = pd.read_sql(text(query), connection)
    except SQLAlchemyError as error:
        raise DataError(
            f"the query failed ({_reason(error, url)})",
            code="query_failed",
            field="source.query",
            found=_reason(error, url),
            where=where,
            remedy="Correct source.query.",
        ) from None
    return rows.set_axis(column_names(rows.columns, "source.query"), axis=1)


def _reason(error: Exception, url: "URL") -> str:
    """The first line of the driver's message, without secrets."""
    line = (str(getattr(error, "orig", None) or error).strip().splitlines() or [type(error).__name__])[0]
    secrets = [url.password, *(value for key, value in url.query.items() if _SECRET_KEY.search(key))]
    for hidden in filter(None, secrets):
        line = line.replace(str(hidden), "***")
    return _SECRET.sub(r"\1=***", line)
