import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from frontend.core import settings
from tests.support import serving
from tests.support import site as sites
from tests.support.serving import Quiet
from tests.support.site import Site

ROOT = Path(__file__).parents[2]
Answer = tuple[int, Any]  # status, and JSON, or bytes, or a list of bytes that come one after the other as events
Asked = tuple[str, str, bytes]  # method, path with query, and body


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A project with two runs, forecasts and workspaces in every state; nobody changes it."""
    return sites.made(tmp_path_factory)


@pytest.fixture(scope="session")
def service(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The service over it, as a process of its own; its address."""
    with sites.running(site, tmp_path_factory.mktemp("service") / "log") as (address, _):
        yield address


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No client and no setting of another test, and no page left behind as the program that runs."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    names = ("API_KEY", "API_KEY_FILE", "API_URL", "API_AUDIENCE", "ALLOWED_HOSTS", "PUBLIC")
    for name in (f"APP_{one}" for one in names):
        monkeypatch.delenv(name, raising=False)
    settings.load.cache_clear()
    st.cache_resource.clear()
    st.cache_data.clear()
    yield
    settings.load.cache_clear()
    st.cache_resource.clear()
    st.cache_data.clear()


Open = Callable[..., AppTest]


@pytest.fixture
def open_page(service: str, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Opens a page as a link does: its name, and what stands in the URL."""

    def opened(name: str = "portfolio", address: str = service, **query: str) -> AppTest:
        monkeypatch.setenv("APP_API_URL", address)
        app = AppTest.from_file(str(ROOT / "frontend/app.py"), default_timeout=60)
        for key, value in query.items():
            app.query_params[key] = value
        app._page_hash = calc_hash(name)  # of its path in the URL; `switch_page` knows it only once the app has run
        return app.run()

    return opened


@pytest.fixture
def history() -> pd.DataFrame:
    return pd.DataFrame({"ds": pd.date_range("2023-01-01", "2024-05-31"), "y": 1.0})


@pytest.fixture
def forecast() -> pd.DataFrame:
    ds = pd.date_range("2024-06-01", periods=7)
    y_hat = np.arange(7.0)
    bounds = {
        f"{side}_{level}": y_hat + sign * level / 40 for level in (80, 95) for side, sign in (("lo", -1), ("hi", 1))
    }
    return pd.DataFrame({"ds": ds, "y_hat": y_hat, **bounds})


@contextmanager
def answering(
    answers: Mapping[str, Answer], otherwise: Answer = (500, {}), asked: list[Asked] | None = None
) -> Iterator[str]:
    """A server that answers paths as it is told, for what the service does in its worst moments; its address.

    `asked` receives what it is asked.
    """

    class Handler(Quiet):
        def do_GET(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if asked is not None:
                asked.append((self.command, self.path, sent))
            status, content = answers.get(self.path.partition("?")[0], otherwise)
            if isinstance(content, list):
                self.send_response(status)
                self.send_header("Content-Type", "text/event-stream")
                self.end_headers()
                for piece in content:
                    self.wfile.write(piece)
                    self.wfile.flush()
                return
            body = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_PUT = do_DELETE = do_GET

    with serving.answering(Handler) as address:
        yield address
