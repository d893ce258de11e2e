"""Every page with a hostile text in every field of every answer of the service: all of it is shown as text.

The service's answers are real. On their way to the pages each text in them gets the hostile one at its end, names and keys of
attributes, covariates and components too; it is removed again when it is read.
"""

import html
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.message import Message
from streamlit.testing.v1 import AppTest

from frontend.core.client import ApiError, Client, Json
from frontend.portfolio import calls
from tests.frontend.conftest import Open
from tests.frontend.test_markup import FORMULA, MARKDOWN, WIDER
from tests.support import site as sites
from tests.support.site import Site

EVIL = "![x](//evil.test/x.png) [a](http://evil.test) <img src=//evil.test/y> www.evil.test e@evil.test $x$ :red[x] :material/home: **b** %{y} `c`"
# What pages decide by, rather than show: the service has lists of what these can be.
DECIDING = {
    "status",
    "statuses",
    "state",
    "kind",
    "by",
    "aggregate",
    "method",
    "frequency",
    "severity",
    "grounding",
    "name@quality",
    "metric",
    "timezone",
    "lean",
    "demand_class",
    "fact",
    "explanation",
    "run_id",
    "job_id",
    "alias",
    "window",
    "worst_alert",
}
NAMES = ("attributes", "filters", "totals", "components", "inferred", "libraries")  # whose keys are data, too
# What the browser gets as plain text, by message and field; a new element is Markdown until it is listed here.
PLAIN = {
    ("VegaLiteChart", "spec"),
    ("Text", "body"),
    ("Code", "code_text"),
    ("Json", "body"),
    ("Selectbox", "options"),
    ("Selectbox", "raw_value"),
    ("MultiSelect", "options"),
    ("TextInput", "value"),
    ("TextInput", "default"),
    ("Dataframe", "columns"),
    ("PlotlyChart", "alt"),
    ("BidiComponent", "json"),
    ("BidiComponent", "mixed"),
    ("PageLink", "query_string"),
    ("IFrame", "srcdoc"),
    ("Html", "body"),
}
DRAWN = {("PlotlyChart", "spec"), ("PlotlyChart", "figure"), ("Figure", "spec")}
OWN = re.compile(r"^(:[a-z-]+\[)?(:material/[a-z_]+: )?")  # the badge and the icon that a page begins a text with
TABLES = ("Rejected rows", "Series", "Pipelines")  # of the page Data: all that the service says is in tables
IDENTIFYING = ("id", "key", "element_id", "form_id", "url", "page_script_hash", "config", "format_func")
VIEWS = {
    "portfolio": [""],
    "forecast": ["Why", "In the past", "What if", "Table", "About the series"],
    "accuracy": ["Models", "Over the horizon", "Over time", "Intervals", "Series", "Segments"],
    "monitoring": ["Over time", "Series", "Drift", "Alerts", "Data health", "Report"],
    "data": ["Checks", "Rejected rows", "Series", "Pipelines"],
    "copilot": ["Chat", "Knowledge"],
    "runs": [""],
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The project under monitoring, so that every view has something to show."""
    return sites.made(tmp_path_factory, "watched")


@pytest.fixture(scope="module")
def service(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with sites.running(site, tmp_path_factory.mktemp("service") / "log") as (address, _):
        yield address


@pytest.fixture(autouse=True)
def _hostile(_fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the pages and the service."""
    get, send = Client.get, Client.send

    def asked(value: Any) -> Any:
        match value:
            case str():
                return value.replace(EVIL, "")
            case dict():
                return {asked(key): asked(one) for key, one in value.items()}
            case list() | tuple():
                return [asked(one) for one in value]
        return value

    def told(answer: Json) -> Json:
        found: Json = hostile(answer)
        return found

    monkeypatch.setattr(
        Client, "get", lambda self, *path, params=None: told(get(self, *asked(path), params=asked(params)))
    )
    monkeypatch.setattr(
        Client, "send", lambda self, method, *path, **sent: told(send(self, method, *asked(path), **asked(sent)))
    )


def hostile(value: Any, key: str = "") -> Any:
    """An answer with the hostile text in it."""
    match value:
        case dict():
            named = key in NAMES
            return {
                f"{name}{EVIL}" if named else name: hostile(one, "" if named else name) for name, one in value.items()
            }
        case list():
            return [hostile(one, key if isinstance(one, str) else "") for one in value]
        case str() if value and key not in DECIDING and not value[:4].isdigit():
            return f"{value}{EVIL}"
    return value


def texts(message: Message) -> Iterator[tuple[str, str, str]]:
    """Every text of an element: the names of its message and field, and the text."""
    for field, value in message.ListFields():
        many = value if field.is_repeated else [value]
        for one in many:
            if isinstance(one, Message):
                yield from texts(one)
            elif isinstance(one, str):
                yield message.DESCRIPTOR.name, field.name, one


def elements(app: AppTest) -> Iterator[Message]:
    def walk(node: Any) -> Iterator[Message]:
        if (proto := getattr(node, "proto", None)) is not None:
            yield proto
        for child in getattr(node, "children", {}).values():
            yield from walk(child)

    yield from walk(app._tree)


def check(app: AppTest) -> int:
    """Fails where a hostile text on the page would be more than text; how often it is there."""
    assert not app.exception
    count = 0
    for proto in elements(app):
        for message, field, text in texts(proto):
            if "evil.test" not in text or (message, field) in PLAIN or field in IDENTIFYING:
                continue
            where = f"{message}.{field}: {text[:300]}"
            count += 1
            if (message, field) in DRAWN:
                drawn = [one for one in _strings(json.loads(text)) if "evil.test" in one]
                assert all("<img" not in one and "%{y} `c" not in one and "$x$" not in one for one in drawn), where
                assert all(EVIL.split(" [a]")[0] in html.unescape(one) for one in drawn), where
                continue
            inlines = [token for token in MARKDOWN.parse(text) if token.type == "inline"]
            parts = [part for token in inlines for part in token.children or []]
            assert {part.type for part in parts} <= {
                "text",
                "text_special",
                "strong_open",
                "strong_close",
                "hardbreak",
            }, where
            said = "".join(part.content for part in parts)
            assert said.replace("\u2060", "").count(EVIL) == said.count("evil.test/x.png"), where
            assert not FORMULA.search(text), where
            assert not WIDER.search(OWN.sub("", said)), where
    return count


def _strings(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for name, one in value.items():
                yield from (name, *_strings(one))
        case list():
            for one in value:
                yield from _strings(one)


@pytest.mark.parametrize(("name", "view"), [(name, view) for name, views in VIEWS.items() for view in views])
def test_a_hostile_text_is_a_text_in_every_view(open_page: Open, name: str, view: str) -> None:
    """Titles, units, names of series, models, attributes and components, messages of checks and alerts: no link, no markup."""
    query = {"series": f"Ash/tea{EVIL}"} if name in ("forecast", "copilot") else {}
    query |= {"watched": f"Ash/tea{EVIL}"} if view == "Series" and name == "monitoring" else {}
    app = open_page(name, workspace=f"shop{EVIL}", **query, **({"view": view} if view else {}))
    assert check(app) or (name == "data" and view in TABLES)


@pytest.mark.parametrize("status", [401, 404, 422])
def test_a_hostile_error_is_a_text(open_page: Open, monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    """In its message, its fields and its id."""

    def fails(*_: Any, **__: Any) -> Json:
        raise ApiError(status, f"No\n{EVIL}", EVIL, [{"field": EVIL, "message": f"{EVIL}\n\n# {EVIL}"}])

    monkeypatch.setattr(calls, "portfolio", fails)
    assert check(open_page("portfolio", workspace=f"shop{EVIL}"))


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("forecast", {"series": EVIL, "view": EVIL}),
        ("portfolio", {"workspace": EVIL, "find": EVIL, "by_region": EVIL}),
        ("monitoring", {"view": "Series", "watched": EVIL}),
        ("copilot", {"series": EVIL, "from": EVIL}),
    ],
)
def test_a_link_that_somebody_crafted_is_a_text(open_page: Open, name: str, query: dict[str, str]) -> None:
    """Whatever it names, the page says it in plain characters."""
    assert check(open_page(name, **{"workspace": f"shop{EVIL}", **query}))
