"""Generates docs/openapi.json, docs/API.md and docs/ERRORS.md; a test checks that they match the code."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from backend.app import create_app
from backend.core.problem_types import TYPES
from backend.core.responses import ALWAYS
from backend.core.settings import Settings
from pipelines.core.codes import CODES
from pipelines.storage.store import Store, Stores
from scripts import _cli

DOCS = Path(__file__).parents[2] / "docs"
_HEAD = """\
# The HTTP API

Made from [openapi.json](openapi.json) by `scripts/dev/api_docs.py`; `make up` serves it, with Swagger UI at `/docs`. How to start,
what keys there are and curl examples: [SERVICE.md](SERVICE.md).

## Versions

From 0.2.0 on, v1 only grows: paths, fields and parameters are added, never renamed, removed or given another meaning. A change
that cannot be avoided is announced one minor version ahead. Until then the route works as before, and each of its answers has
the headers `Deprecation` (RFC 9745: since when), `Sunset` (RFC 8594: until when) and `Link` with `rel="deprecation"` (what to
use instead); the OpenAPI marks it `deprecated`. Every release lists its changes and their migration in the
[changelog](../CHANGELOG.md). Clients ignore fields that they do not know.

## Conventions

All calls below `/api/v1` take the key in the header `X-API-Key` where the service has keys; `viewer` reads, `analyst` also
computes forecasts, brings data in, runs jobs and acknowledges alerts, `admin` also moves aliases. Errors are `application/problem+json` (RFC
9457) with a `type` from the [list below](#types-of-errors), `request_id`, `errors` where fields are wrong, and where the data, a
setting or a parameter is to blame `code`, `field`, `found` and `remedy` ([ERRORS](ERRORS.md)). Answers to reads carry an `ETag`:
send it back in `If-None-Match` and get 304 as long as
nothing new was published. Lists answer with `items`, `total`, `limit` and `offset`, and what they are of beside these; ask for the next
part by `offset`. Limits: a body of 5 MiB (an upload: 32 MiB), 1,000 rows a page, 100 series and 744 steps a request for forecasts, ten
years a range of dates, and a number of requests per minute and key (`RateLimit-Limit`, `-Remaining`, `-Reset`; beyond it 429
with `Retry-After`). Each may answer 401, 403, 422, 429, 500 or 503 besides what stands below: 503 also to what writes
(uploads, jobs, workspaces) where folders cannot be written or lie on an object store. A `unique_id` in a path is percent-encoded: `Bath/bakery-01` is `Bath%2Fbakery-01`.

Shares are fractions in every answer: a coverage of 0.801 is 80.1 %, and so are skill, relative changes, MAPE, sMAPE (0 to 2) and
WAPE. Levels of intervals are nominal coverage in percent: 80, 95.
"""
_ERRORS = """\
# Types of errors

The `type` of an error is a path of the service, such as `/errors/not-found`, that answers with its description. No key is needed.
"""
_CODES = """\
# Codes of errors

Made from `pipelines/core/codes.py` by `scripts/dev/api_docs.py`. An error of the pipelines carries data: `code`, one of these;
`field`, the setting, parameter or variable to correct, dotted, such as `source.columns.ds`; `found`, the values found; and
`remedy`, what to do. The command line prints one message that holds all of it and ends with the code in brackets. The
service answers with a problem that has these members beside `detail`; each entry of `errors`, and each of the `problems` of an
upload, has them, too. Compare the code, not the message: wording may change, the meaning of a code does not.
"""


def openapi() -> dict[str, Any]:
    """The OpenAPI document, created without a project."""
    return create_app(
        Settings(environment="dev"), Stores(Store("memory://data"), Store("memory://artifacts"))
    ).openapi()


def markdown(spec: dict[str, Any]) -> str:
    """The API reference as Markdown."""
    lines = [_HEAD]
    for path, operations in spec["paths"].items():
        for method, operation in operations.items():
            lines += [f"## {method.upper()} {path}", "", *_deprecation(operation), operation["description"], ""]
            lines += _table(["parameter", "in", "type", "what"], _parameters(spec, operation))
            own = {
                status: one
                for status, one in operation["responses"].items()
                if int(status) >= 300 and int(status) not in ALWAYS
            }
            special = "".join(f" {status}: {one['description']}" for status, one in own.items())
            lines += [f"Answers with {_answer(operation)}.{special}", ""]
    lines += [_ERRORS]
    lines += _table(
        ["type", "status", "what"], ((f"`{one.uri}`", one.status, one.description) for one in TYPES.values())
    )
    lines += ["# What comes and goes", ""]
    for name, schema in sorted(spec["components"]["schemas"].items()):
        lines += [f"## {name}", "", *([schema["description"], ""] if "description" in schema else [])]
        lines += _table(["field", "type"], ((field, _type(one)) for field, one in schema.get("properties", {}).items()))
    return "\n".join(lines).rstrip() + "\n"


def errors() -> str:
    """The error codes as Markdown."""
    return "\n".join([_CODES, *_table(["code", "meaning"], ((f"`{code}`", what) for code, what in CODES.items()))])


def _deprecation(operation: dict[str, Any]) -> list[str]:
    if not operation.get("deprecated"):
        return []
    return [f"**Deprecated since {operation['x-deprecated-since']}; removed after {operation['x-sunset']}.**", ""]


def _parameters(spec: dict[str, Any], operation: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for one in operation.get("parameters", ()):
        name = f"**{one['name']}**" if one.get("required") else one["name"]
        yield name, one["in"], _type(one["schema"]), one.get("description", "") or one["schema"].get("description", "")
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        schema = content["schema"]
        if "$ref" in schema:
            what = spec["components"]["schemas"][_name(schema)].get("description", "")
            yield "**body**", "body", _type(schema), what
        else:
            yield "**body**", "body", kind, ""


def _answer(operation: dict[str, Any]) -> str:
    status, success = next((status, one) for status, one in operation["responses"].items() if status.startswith("2"))
    (kind, content), *_ = success["content"].items()
    answer = _type(content["schema"]) if kind == "application/json" else kind
    return answer if status == "200" else f"{status} and {answer}"


def _type(schema: dict[str, Any]) -> str:
    """A schema in a few words."""
    if "$ref" in schema:
        return f"[{_name(schema)}](#{_name(schema).lower()})"
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_type(one) for one in schema["anyOf"]))
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    kind = schema.get("type", "anything")
    if kind == "array":
        return f"list of {_type(schema['items'])}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"{{name: {_type(schema['additionalProperties'])}}}"
    bounds = [f"{sign} {schema[key]:,}" for sign, key in (("≥", "minimum"), ("≤", "maximum")) if key in schema]
    default = [f"default `{schema['default']}`"] if schema.get("default") not in (None, "") else []
    return " ".join(
        [str(schema.get("format", kind)), *(f"({', '.join(bounds + default)})" for _ in [0] if bounds + default)]
    )


def _name(schema: dict[str, Any]) -> str:
    return str(schema["$ref"]).rpartition("/")[2]


def _table(head: list[str], rows: Any) -> list[str]:
    cells = [tuple(str(cell).replace("|", "\\|").replace("\n", " ") for cell in row) for row in rows]
    if not cells:
        return []
    return ["| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *cells]] + [""]


def api_docs() -> None:
    """Write docs/openapi.json, docs/API.md and docs/ERRORS.md."""
    spec = openapi()
    (DOCS / "openapi.json").write_text(json.dumps(spec, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (DOCS / "API.md").write_text(markdown(spec), encoding="utf-8")
    (DOCS / "ERRORS.md").write_text(errors(), encoding="utf-8")


main = _cli.command(api_docs)

if __name__ == "__main__":
    main()
