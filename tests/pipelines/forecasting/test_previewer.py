"""The process that looks at uploads: it takes no more memory than it is told, and goes on after a table that needs more."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from pipelines.core.names import new_version
from pipelines.forecasting import preview
from pipelines.storage.catalog import Reader
from pipelines.storage.layout import Place
from pipelines.storage.store import Store, Stores

ROOT = Path(__file__).parents[3]


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reader:
    (tmp_path / "configs/workspaces").mkdir(parents=True)
    for name in ("configs", "data", "artifacts"):
        folder = "CONFIG" if name == "configs" else name.upper()
        monkeypatch.setenv(f"FORECAST_{folder}_DIR", str(tmp_path / name))
    return Stores(Store(str(tmp_path / "data")), Store(str(tmp_path / "artifacts")))


@pytest.fixture
def process(reader: Reader) -> Iterator["subprocess.Popen[bytes]"]:
    """With the least address space that it can be given."""
    command = [sys.executable, "-m", "pipelines.forecasting.previewer", "1024"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as found:
        assert _answer(found)[0]["kind"] == "ok"
        yield found
        found.kill()


def look(process: "subprocess.Popen[bytes]", reader: Reader, pieces: Iterator[bytes]) -> tuple[dict[str, Any], Any]:
    """The head and the content of the answer about a table."""
    draft = reader.data.draft(Place(("uploads", "w", new_version())))
    with draft.open("table.csv") as file:
        file.writelines(pieces)
    wanted = {"workspace": "w", "upload_id": draft.publish().name, "frequency": "auto", "timezone": "UTC"}
    others = dict.fromkeys(["ds", "y", "keys", "static", "future", "title", "unit", "horizon"])
    assert process.stdin
    process.stdin.write(json.dumps({**others, **wanted}).encode() + b"\n")
    process.stdin.flush()
    return _answer(process)


def _answer(process: "subprocess.Popen[bytes]") -> tuple[dict[str, Any], Any]:
    assert process.stdout
    head = json.loads(process.stdout.readline())
    return head, json.loads(process.stdout.read(head["bytes"]) or b"null")


def days() -> Iterator[bytes]:
    yield b"ds,y\n" + b"".join(b"2024-01-%02d,%d\n" % (day, day % 7) for day in range(1, 32))


def hungry() -> Iterator[bytes]:
    """50 MiB of distinct cells, which take ten times as much as objects."""
    yield b"ds," + b",".join(b"c%d" % at for at in range(150)) + b"\n"
    for row in range(50_000):
        yield b"2024-01-01," + b",".join(b"%x" % (row * 150 + at) for at in range(150)) + b"\n"


def test_a_table_that_needs_more_memory_gets_none(process: "subprocess.Popen[bytes]", reader: Reader) -> None:
    """It is refused in words for who uploads, or libraries in C end the process: never does it take more than it may."""
    head, content = look(process, reader, days())
    assert (head["kind"], head["last"], content["acceptable"]) == ("ok", False, True)
    taken = psutil.Process(process.pid)
    with contextlib.suppress(ValueError):  # no answer
        head, content = look(process, reader, hungry())
        assert [problem["field"] for problem in content["problems"]] == ["file"]
        assert "more memory than a preview may use. Upload fewer" in content["problems"][0]["message"]
    assert process.poll() is not None or taken.memory_info().vms <= 1024 * 2**20


def test_a_process_that_took_much_is_the_last_of_its_kind(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its answer says that it ends, so that all that it took is given back."""
    code = "import pipelines.forecasting.previewer as it; it._LARGE = 0; it._largest = iter(range(1, 9)).__next__; it.main()"
    command = [sys.executable, "-c", code, "3072"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as process:
        _answer(process)
        head, content = look(process, reader, days())
        assert (head["last"], content["acceptable"]) == (True, True)
        assert process.wait(30) == 0


def test_memory_that_ends_is_a_problem_of_the_file(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python says so where it can: then the answer tells what to do, and the process goes on."""

    def fail(*_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr("pipelines.forecasting.etl.load.load", fail)
    draft = reader.data.draft(Place(("uploads", "w", new_version())))
    draft.write_bytes("table.csv", b"".join(days()))
    wanted = dict.fromkeys(["ds", "y", "keys", "static", "future", "title", "unit", "horizon"])
    request = {**wanted, "workspace": "w", "upload_id": draft.publish().name, "frequency": "auto", "timezone": "UTC"}
    found = preview.preview(reader, request)
    remedy = "Upload fewer rows or columns."
    message = f"it takes more memory than a preview may use. {remedy}"
    assert found["problems"] == [{"field": "file", "code": "too_much_memory", "remedy": remedy, "message": message}]
