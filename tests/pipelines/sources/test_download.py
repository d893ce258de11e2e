"""Downloads: fetched once, verified always, and a clear word when the network or the hash is not as expected."""

import hashlib
import http.server
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from pydantic import ValidationError

from pipelines.core.errors import DataError
from pipelines.sources import download

CONTENT = "store;units\nGenève;1,5\nBern;2\n".encode("cp1252")
SHA256 = hashlib.sha256(CONTENT).hexdigest()
ROWS = pd.DataFrame({"store": ["Genève", "Bern"], "units": ["1,5", "2"]})


class Server(http.server.ThreadingHTTPServer):
    requests = 0


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.requests += 1
        if self.path.startswith("/moved"):
            self.send_response(302)
            self.send_header("Location", f"http://localhost:{self.server.server_address[1]}/sales.csv")
            self.end_headers()
            return
        if self.path.startswith("/missing"):
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT) + 10 * self.path.startswith("/cut")))
        self.end_headers()
        self.wfile.write(CONTENT)

    def log_message(self, *args: object) -> None:
        """Silent."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def closed_port(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def source(folder: Path, url: str, **options: object) -> download.DownloadSource:
    made = download.build(download.Options.model_validate({"url": url, "sha256": SHA256, **options}), folder)
    assert isinstance(made, download.DownloadSource)
    return made


def at(server: Server, path: str) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}{path}"


def cached(folder: Path) -> list[str]:
    return sorted(file.name for file in (folder / "cache").iterdir())


def test_file_is_fetched_once_and_read_like_any_file(tmp_path: Path, server: Server) -> None:
    """The second read comes from the cache, equal to the first, and needs no network."""
    one = source(tmp_path, at(server, "/data/sales.csv?token=hunter2"))
    first, second = one.read(), one.read()
    assert_frame_equal(first.rows, ROWS)
    assert_frame_equal(second.rows, ROWS)
    assert first.notes == second.notes
    assert server.requests == 1
    assert cached(tmp_path) == [f"{SHA256}-sales.csv"]
    assert "hunter2" not in first.origin
    assert SHA256 in first.origin


def test_reading_options_are_those_of_a_file(tmp_path: Path, server: Server) -> None:
    """Encoding, separator and skipped lines are passed on; the hash may be in capitals."""
    one = source(
        tmp_path,
        at(server, "/"),
        filename="s.txt",
        encoding="latin-1",
        separator=";",
        skip_rows=0,
        sha256=SHA256.upper(),
    )
    raw = one.read()
    assert_frame_equal(raw.rows, ROWS)
    assert raw.notes == ()


def test_file_address_is_copied_too(tmp_path: Path) -> None:
    """A file:// address works without a network."""
    (tmp_path / "my sales.csv").write_bytes(CONTENT)
    assert_frame_equal(source(tmp_path / "data", (tmp_path / "my sales.csv").as_uri()).read().rows, ROWS)
    assert cached(tmp_path / "data") == [f"{SHA256}-my_sales.csv"]


def test_wrong_hash_shows_both_and_keeps_nothing(tmp_path: Path, server: Server) -> None:
    """A file that is not the one asked for is never used and never stays."""
    with pytest.raises(DataError) as caught:
        source(tmp_path, at(server, "/sales.csv"), sha256="0" * 64).read()
    assert SHA256 in str(caught.value)
    assert "0" * 64 in str(caught.value)
    assert cached(tmp_path) == []


def test_damaged_cache_is_fetched_again(tmp_path: Path, server: Server) -> None:
    """A cached file is verified before each use; a changed one is replaced."""
    one = source(tmp_path, at(server, "/sales.csv"))
    one.read()
    one.path.write_bytes(CONTENT.replace(b"2", b"9"))
    assert_frame_equal(one.read().rows, ROWS)
    assert server.requests == 2


def test_offline_says_where_to_put_the_file(tmp_path: Path, closed_port: int) -> None:
    """Without a network the message gives the place and the hash; a file put there by hand is used."""
    one = source(tmp_path, f"http://127.0.0.1:{closed_port}/sales.csv")
    with pytest.raises(DataError) as caught:
        one.read()
    assert "cannot be downloaded" in str(caught.value)
    assert f"put the file with SHA-256 {SHA256} at {one.path} by hand" in str(caught.value)
    assert cached(tmp_path) == []
    one.path.write_bytes(CONTENT)
    assert_frame_equal(one.read().rows, ROWS)


def test_wrong_file_put_by_hand_is_told(tmp_path: Path, closed_port: int) -> None:
    """Offline, a file with another hash is not used, and its hash is shown."""
    one = source(tmp_path, f"http://127.0.0.1:{closed_port}/sales.csv")
    one.path.parent.mkdir()
    one.path.write_bytes(b"other")
    with pytest.raises(DataError, match=hashlib.sha256(b"other").hexdigest()):
        one.read()


@pytest.mark.parametrize(("path", "said"), [("/missing.csv", "answered 404"), ("/cut.csv", "the transfer broke off")])
def test_failed_transfers_are_told_and_leave_nothing(tmp_path: Path, server: Server, path: str, said: str) -> None:
    """An error page or a transfer that breaks off gives a message and no file."""
    with pytest.raises(DataError, match=said):
        source(tmp_path, at(server, path)).read()
    assert cached(tmp_path) == []


def test_address_with_a_password_keeps_it_secret(tmp_path: Path, closed_port: int) -> None:
    """Neither user nor password nor query of an address is shown."""
    with pytest.raises(DataError) as caught:
        source(tmp_path, f"http://user:hunter2@127.0.0.1:{closed_port}/sales.csv?key=hunter2").read()
    assert "hunter2" not in str(caught.value)


def test_missing_local_file_is_told(tmp_path: Path) -> None:
    """A file:// address of nothing is an error as any other."""
    with pytest.raises(DataError, match="cannot be downloaded"):
        source(tmp_path, (tmp_path / "none.csv").as_uri()).read()


def test_unwritable_data_folder_is_told(tmp_path: Path) -> None:
    """A data folder that is a file cannot hold a cache."""
    (tmp_path / "data").write_text("a file", encoding="utf-8")
    with pytest.raises(DataError, match="cannot be written"):
        source(tmp_path / "data", (tmp_path / "data").as_uri() + ".csv").read()


@pytest.mark.parametrize(
    "options",
    [
        {"url": "ftp://example.org/sales.csv"},
        {"url": "sales.csv"},
        {"url": "https://example.org/"},
        {"url": "https://example.org/sales.php"},
        {"filename": "../sales.csv"},
        {"filename": "a/b.csv"},
        {"url": "https://example.org/.csv"},
        {"filename": "sales"},
        {"sha256": "abc"},
        {"sha256": "g" * 64},
        {"encoding": "utf-88"},
    ],
)
def test_options_refuse_what_cannot_work(options: dict[str, object]) -> None:
    """Other schemes, names that leave the folder and hashes that are none are found before any download."""
    with pytest.raises(ValidationError):
        download.Options.model_validate({"url": "https://example.org/sales.csv", "sha256": SHA256, **options})


def test_an_address_with_a_key_is_followed_nowhere_else(tmp_path: Path, server: Server) -> None:
    """To another host only an address without one is followed: files often lie elsewhere, and their hash is known."""
    with pytest.raises(DataError, match="redirects to another host, and its address holds a key") as error:
        source(tmp_path, at(server, "/moved/sales.csv?token=secret")).read()
    assert "secret" not in str(error.value)
    assert server.requests == 1
    assert len(source(tmp_path, at(server, "/moved/sales.csv")).read().rows) == 2
