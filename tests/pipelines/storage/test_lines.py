"""Files of lines: torn anywhere, by a crash or a full disk, they lose the torn piece and nothing else."""

import errno
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.core.errors import Conflict, StoreError
from pipelines.storage import lines
from pipelines.storage.store import Store
from tests.support import stores
from tests.support.places import at

ROOT = Path(__file__).parents[3]
FIRST = {"event": "raised", "id": "a", "named": [{"x": "Gruyère ☃ 日本"}]}
SECOND = {"event": "acknowledged", "id": "b", "by": {"name": "ada"}}


@pytest.fixture(params=["local", "gs", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "local":
        yield Store(str(tmp_path / "store"))
    else:
        with stores.serve(request.param):
            yield Store(f"{request.param}://bucket/artifacts")


@pytest.fixture
def local(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "store"))


def put(store: Store, content: bytes) -> None:
    """Leaves a file as a crash would."""
    if store.is_local:
        Path(store.path(at("w"))).mkdir(parents=True, exist_ok=True)
        Path(store.path(at("w/log.jsonl"))).write_bytes(content)
    else:
        store.medium.update(at("w/log.jsonl"), lambda _: content)


def kept(store: Store) -> bytes:
    return store.read(at("w/log.jsonl.torn")) or b""


def line(values: dict[str, Any]) -> bytes:
    return json.dumps(values, ensure_ascii=False).encode() + b"\n"


def add(store: Store, values: dict[str, Any]) -> None:
    store.append(at("w", "log.jsonl"), json.dumps(values, ensure_ascii=False))


def test_after_a_line_torn_at_any_byte_the_next_one_is_recorded(local: Store) -> None:
    """The piece is kept aside as it was, and what a writer was told is written can be read."""
    whole = line(FIRST)
    for size in range(1, len(whole)):
        Path(local.path(at("w/log.jsonl.torn"))).unlink(missing_ok=True)
        put(local, whole + whole[:size])
        add(local, SECOND)
        found = local.events(at("w", "log.jsonl"))
        if size == len(whole) - 1:  # only its end was missing: it is whole now
            assert found == [FIRST, FIRST, SECOND]
        else:
            assert found == [FIRST, SECOND], size
        assert kept(local) == whole[:size] + b"\n"
        assert Path(local.path(at("w/log.jsonl"))).read_bytes().startswith(whole + whole[:size] + b"\n")


@pytest.mark.parametrize(
    "piece",
    [b'{"event": "ackn', b"\xff\xfe", b"\0" * 70_000, '{"event": "é'.encode()[:-1], b'{"event": "acknowledged"}'],
    ids=["half a line", "no UTF-8", "zeros after a power cut", "half a letter", "all but its end"],
)
def test_on_every_store_a_torn_piece_takes_nothing_with_it(store: Store, piece: bytes) -> None:
    """Also twice in a row, and with a second writer in between."""
    put(store, line(FIRST) + piece)
    add(store, SECOND)
    add(store, FIRST)
    read = store.events(at("w", "log.jsonl"))
    assert [one for one in read if one in (FIRST, SECOND)] == [FIRST, SECOND, FIRST]
    assert kept(store) == piece + b"\n"


@pytest.mark.parametrize(
    "damage",
    [
        b'{"event": "rai\n', b"[]\n", b"5\n", b"null\n", b'"x"\n', b"\n", b"\0\0\0\n", b"[" * 100_000 + b"\n",
        b"\xff\xfe\xfd\n", b"{]\n", b"1e999\n",
    ],
    ids=lambda one: repr(one[:9]),
)  # fmt: skip
def test_a_damaged_line_in_the_middle_is_skipped(local: Store, damage: bytes) -> None:
    """Whatever it holds."""
    put(local, line(FIRST) + damage + line(SECOND))
    assert local.events(at("w", "log.jsonl")) == [FIRST, SECOND]


def test_bytes_that_are_no_text_stop_no_reader(local: Store) -> None:
    """They are replaced where they stand, and the rest of their line is read."""
    put(local, b'{"event": "raised", "id": "\xff"}\n' + line(SECOND))
    assert local.events(at("w", "log.jsonl")) == [{"event": "raised", "id": "\ufffd"}, SECOND]


def test_an_event_that_an_earlier_version_wrote_behind_a_torn_piece_is_found(local: Store) -> None:
    """Both stand on one line then: the event is read, wherever the piece was torn."""
    whole = line(FIRST)
    for size in range(1, len(whole) - 1):
        put(local, whole[:size] + line(SECOND) + line(FIRST))
        assert local.events(at("w", "log.jsonl")) == [SECOND, FIRST], size


def short(real: Callable[..., int], share: float) -> Callable[..., int]:
    """Stands in for os.write on a disk with too little room: it takes a part and says so."""

    def write(descriptor: int, content: bytes) -> int:
        return real(descriptor, content[: int(len(content) * share)])

    return write


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_write_that_the_disk_takes_a_part_of_is_an_error(
    local: Store, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    """Nothing is claimed, and the file is as it was before."""
    add(local, FIRST)
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", short(os.write, share))
        with pytest.raises(StoreError, match="disk is full"):
            add(local, SECOND)
    assert Path(local.path(at("w/log.jsonl"))).read_bytes() == line(FIRST)
    add(local, SECOND)
    assert local.events(at("w", "log.jsonl")) == [FIRST, SECOND]


@pytest.mark.parametrize("call", ["write", "fsync"])
def test_a_write_that_fails_leaves_the_file_as_it_was(local: Store, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    """Also when only the confirmation fails."""
    add(local, FIRST)

    def fail(*_: Any) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        with pytest.raises(StoreError, match="check it"):
            add(local, SECOND)
    assert local.events(at("w", "log.jsonl")) == [FIRST]


def test_many_writers_and_one_that_dies_lose_no_line(local: Store) -> None:
    """Each line that was acknowledged is there once, whatever torn pieces come in between."""

    def write(writer: int) -> None:
        for n in range(20):
            if n == 10:
                with open(local.path(at("w/log.jsonl")), "ab") as file:
                    file.write(b'{"torn": "' + str(writer).encode())
            Store(local.root).append(at("w", "log.jsonl"), json.dumps({"writer": writer, "n": n}))

    add(local, FIRST)
    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = [(one["writer"], one["n"]) for one in local.events(at("w", "log.jsonl")) if "writer" in one]
    assert sorted(found) == [(writer, n) for writer in range(4) for n in range(20)]


def test_a_writer_that_is_killed_leaves_no_lock(local: Store) -> None:
    """The lock belongs to its open file."""
    add(local, FIRST)
    code = (
        "import fcntl, os, signal, sys; f = open(sys.argv[1], 'ab'); fcntl.flock(f, fcntl.LOCK_EX);"
        "f.write(b'{\"event'); f.flush(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code, local.path(at("w/log.jsonl"))], cwd=ROOT, check=False)
    add(local, SECOND)
    assert local.events(at("w", "log.jsonl")) == [FIRST, SECOND]


def test_a_writer_does_not_wait_for_ever(tmp_path: Path) -> None:
    """Another one that hangs is a Conflict."""
    import fcntl

    path = tmp_path / "log.jsonl"
    with path.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(Conflict):
            lines.append(str(path), "{}", patience=0.05)
    assert path.read_bytes() == b""
