"""The store: what is finished is whole, what is not is invisible, and whoever fails leaves the old state."""

import builtins
import errno
import json
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from pipelines.core.errors import Conflict, NotFound, StoreError, Untrusted
from pipelines.core.names import new_version, oldest_first
from pipelines.storage import disk
from pipelines.storage.disk import replace_file
from pipelines.storage.folders import Folder
from pipelines.storage.store import Store
from tests.support.places import POINTER, Moves, at, one_more

ROOT = Path(__file__).parents[3]


@pytest.fixture(params=["local", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return Store(str(tmp_path / "store") if request.param == "local" else f"memory://{uuid.uuid4()}")


@pytest.fixture
def local(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "store"))


def finished(store: Store, *parts: str, **files: bytes) -> Folder:
    draft = store.draft(at(*(parts or ("runs", "one"))))
    for name, content in (files or {"a": b"aaaa", "b": b"bbbb"}).items():
        draft.write_bytes(name, content)
    return draft.publish()


def litter(folder: Path) -> list[Path]:
    return list(folder.rglob("*.tmp"))


def test_versions_sort_by_the_moment_they_were_made() -> None:
    """Also within one second, and in the form that safe_version asks for."""
    stamps = [datetime(2024, 2, 29, 23, 59, 59, micro, UTC) for micro in (0, 1, 15, 16, 999_999)]
    names = [new_version(stamp) for stamp in [*stamps, datetime(2024, 3, 1, tzinfo=UTC)]]
    assert names == sorted(names)
    assert all(len(name) == len("20240229T235959Z-xxxxxxxx") for name in names)


def test_a_draft_is_invisible_until_it_is_published(store: Store) -> None:
    """Neither listed nor readable while it is written; both afterwards."""
    draft = store.draft(at("runs", "one"))
    draft.write_text("a.txt", "hello")
    assert store.folders(at("runs")) == []
    with pytest.raises(NotFound, match="never finished"):
        store.folder(at("runs", "one"))
    draft.publish()
    assert store.folders(at("runs")) == ["one"]
    assert store.folder(at("runs", "one")).read_text("a.txt") == "hello"


def test_everything_written_is_read_back(store: Store) -> None:
    """Bytes, JSON, text and tables, also in a folder of the folder."""
    draft, table = store.draft(at("runs", "one")), pd.DataFrame({"x": [1.5, None], "name": ["ä", "b"]})
    draft.write_bytes("model/0.pkl", b"\0\1")
    draft.write_json("run.json", {"n": 1, "null": None})
    draft.write_parquet("table.parquet", table)
    draft.publish()
    folder = store.folder(at("runs", "one"))
    assert folder.files == ["model/0.pkl", "run.json", "table.parquet"]
    assert folder.read_bytes("model/0.pkl") == b"\0\1"
    assert folder.read_json("run.json") == {"n": 1, "null": None}
    assert_frame_equal(folder.read_parquet("table.parquet"), table)
    assert folder.read_parquet("table.parquet", ["x"]).columns.tolist() == ["x"]
    assert folder.verify() == []


def test_the_manifest_is_written_last(local: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the manifest gets its name, every file it lists is in place."""
    replaced: list[str] = []
    replace = os.replace
    monkeypatch.setattr(os, "replace", lambda old, new: (replaced.append(os.path.basename(new)), replace(old, new)))
    finished(local)
    assert replaced == ["a", "b", "MANIFEST.json"]


def test_a_finished_directory_never_changes(store: Store) -> None:
    """Neither its draft nor a second one of the same name can write to it."""
    draft = store.draft(at("runs", "one"))
    draft.write_text("a.txt", "hello")
    draft.publish()
    for late in (draft, store.draft(at("runs", "one"))):
        with pytest.raises(Conflict, match="never changes again"):
            late.write_text("a.txt", "other")
        with pytest.raises(Conflict, match="never changes again"):
            late.publish()
    assert store.folder(at("runs", "one")).verify() == []


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[1] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    "damage", [flip, lambda path: path.write_bytes(path.read_bytes()[:-1]), Path.unlink], ids=["flip", "cut", "remove"]
)
def test_damage_is_noticed_by_verify_and_by_every_read(local: Store, damage: Callable[[Path], Any]) -> None:
    """A flipped bit, a lost end, a lost file: named by verify, refused by read; the other file is still read."""
    folder = finished(local)
    damage(Path(folder.where) / "a")
    assert folder.verify() == ["a"]
    with pytest.raises(Untrusted, match="runs/one/a"):
        local.folder(at("runs", "one")).read_bytes("a")
    assert folder.read_bytes("b") == b"bbbb"


def test_a_file_that_was_added_is_noticed_and_not_read(store: Store) -> None:
    """What the manifest does not list was not written by the store."""
    folder = finished(store)
    store.medium.write(folder.place.file("c"), b"cccc")
    assert folder.verify() == ["c"]
    with pytest.raises(NotFound, match="has no c"):
        folder.read_bytes("c")


@pytest.mark.parametrize(
    "parts", [("..", "x"), ("a/../../x",), ("/etc/passwd",), ("a", "/etc"), ("a\\..\\x",), ("a\0b",)]
)
def test_no_path_leads_out_of_the_store(store: Store, parts: tuple[str, ...]) -> None:
    """Parents, absolute paths, backslashes and NUL are refused whoever asks."""
    read = lambda place: store.read_pointer(place, Moves)  # noqa: E731
    write = lambda place: store.draft(place).write_bytes("a", b"")  # noqa: E731
    for ask in (store.path, store.folder, store.folders, read, write):
        with pytest.raises(Untrusted, match="leads out of the store"):
            ask(at(*parts))


def test_links_out_of_the_store_are_refused(local: Store, tmp_path: Path) -> None:
    """A link within the store is followed, one that leads out is not, nor a listed file that became such a link."""
    folder = finished(local)
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/a").write_bytes(b"aaaa")
    runs = Path(folder.where).parent
    (runs / "inside").symlink_to(runs / "one")
    (runs / "outside").symlink_to(tmp_path / "secret")
    assert local.folder(at("runs", "inside")).read_bytes("a") == b"aaaa"
    with pytest.raises(Untrusted):
        local.folder(at("runs", "outside"))
    (runs / "one/a").unlink()
    (runs / "one/a").symlink_to(tmp_path / "secret/a")
    assert folder.verify() == ["a"]


def test_the_root_itself_may_be_a_link_and_have_any_name(tmp_path: Path) -> None:
    """A data folder on another disk, or one whose name has the signs of a search pattern, is used like any other."""
    (tmp_path / "disk [2]*").mkdir()
    (tmp_path / "data").symlink_to(tmp_path / "disk [2]*")
    for root in ("disk [2]*", "data"):
        store = Store(str(tmp_path / root))
        finished(store, "runs", root[:4])
        assert root[:4] in store.folders(at("runs"))
    assert Store(str(tmp_path / "data")).folders(at("runs")) == ["data", "disk"]


def test_the_key_is_never_shown() -> None:
    """Neither the store nor a folder of it prints its signing key."""
    store = Store(f"memory://{uuid.uuid4()}", signing_key="hush-hush")
    folder = finished(store)
    assert "hush" not in f"{store} {store!r} {folder!r} {store.draft(at('x'))!r}"


def test_signatures_are_asked_for_as_the_store_was_told(tmp_path: Path) -> None:
    """With a requirement: right key only. Without one, unsigned passes, but a wrong signature never does."""
    root = str(tmp_path)
    finished(Store(root), "unsigned")
    finished(Store(root, "key"), "signed")
    assert Store(root, "key", require_signature=True).folder(at("signed")).verify() == []
    assert Store(root, "key").folder(at("unsigned")).verify() == []
    assert Store(root).folder(at("signed")).verify() == []
    for store, name in [
        (Store(root, "key", require_signature=True), "unsigned"),
        (Store(root, "other", require_signature=True), "signed"),
        (Store(root, "other"), "signed"),
        (Store(root, require_signature=True), "signed"),
    ]:
        with pytest.raises(Untrusted, match="sign"):
            store.folder(at(name))


def test_pointers_count_their_versions(local: Store) -> None:
    """From 0 where there is none; a change sees the values before it."""
    assert local.read_pointer(at("w", "pointers.json"), Moves) == Moves(version=0)
    for step in range(1, 4):
        moved = local.move_pointer(at("w", "pointers.json"), Moves, one_more)
        assert moved == Moves(version=step, n=step) == local.read_pointer(at("w", "pointers.json"), Moves)


def test_what_a_later_version_added_survives_a_move(local: Store) -> None:
    """An older release that moves a pointer leaves alone what it does not know."""
    local.medium.write(POINTER, b'{"version": 7, "n": 1, "added later": {"a": [1]}}')
    local.move_pointer(POINTER, Moves, one_more)
    content = json.loads(Path(local.path(POINTER)).read_text())
    assert content == {"version": 8, "n": 2, "run": "", "added later": {"a": [1]}}


def test_a_stale_writer_is_told_and_changes_nothing(local: Store) -> None:
    """Who has seen version 1 cannot move version 2."""
    for name in ("first", "second"):
        local.move_pointer(POINTER, Moves, lambda now, name=name: now.changed(run=name))
    with pytest.raises(Conflict, match=r"version 2, not 1"):
        local.move_pointer(POINTER, Moves, lambda now: now.changed(run="stale"), expected=1)
    assert local.read_pointer(POINTER, Moves) == Moves(version=2, run="second")
    assert local.move_pointer(POINTER, Moves, lambda now: now, expected=2).version == 3


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'{"name": 1}', b'{"version": "x"}', b"\xff"])
def test_a_broken_pointer_is_told_and_kept(local: Store, tmp_path: Path, content: bytes) -> None:
    """Reading and moving both refuse, and the bytes are kept so that they can be restored."""
    path = tmp_path / "store/p.json"
    path.parent.mkdir()
    path.write_bytes(content)
    for ask in (
        lambda: local.read_pointer(POINTER, Moves),
        lambda: local.move_pointer(POINTER, Moves, lambda now: now),
    ):
        with pytest.raises(StoreError, match="Restore it"):
            ask()
    assert path.read_bytes() == content


def test_a_change_that_fails_moves_nothing_and_frees_the_pointer(local: Store) -> None:
    """The error passes on, and the next writer does not wait."""
    with pytest.raises(ZeroDivisionError):
        local.move_pointer(POINTER, Moves, lambda now: now.changed(n=1 / 0))
    assert local.move_pointer(POINTER, Moves, lambda now: now).version == 1


def python(code: str, folder: Path) -> subprocess.Popen[str]:
    start = (
        "from pipelines.storage.store import Store\nfrom tests.support.places import POINTER, Moves, one_more\n"
        f"store = Store({str(folder / 'store')!r})\n"
    )
    return subprocess.Popen([sys.executable, "-c", start + code], cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_two_processes_lose_no_change(local: Store, tmp_path: Path) -> None:
    """Each adds one a hundred times; all two hundred are there, and each version was given once."""
    count = "for _ in range(100): store.move_pointer(POINTER, Moves, one_more)"
    writers = [python(count, tmp_path) for _ in range(2)]
    assert [writer.wait() for writer in writers] == [0, 0]
    assert local.read_pointer(POINTER, Moves) == Moves(version=200, n=200)
    assert litter(tmp_path) == []


def test_a_writer_that_is_killed_with_the_lock_leaves_none_behind(local: Store, tmp_path: Path) -> None:
    """While it lives others wait; once it is dead the next one writes at once, on the old state."""
    hold = "import time\ndef hold(now):\n    print('held', flush=True)\n    time.sleep(60)\n"
    writer = python(hold + "store.move_pointer(POINTER, Moves, hold)", tmp_path)
    assert writer.stdout is not None
    assert writer.stdout.readline() == "held\n"
    threading.Timer(0.2, writer.kill).start()
    start = time.monotonic()
    assert local.move_pointer(POINTER, Moves, lambda now: now).version == 1
    assert 0.1 < time.monotonic() - start < 4
    writer.wait()


def test_waiting_for_a_pointer_ends_with_a_conflict(local: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that never ends does not hang the next one for ever."""
    monkeypatch.setattr("pipelines.storage.local._LOCK_PATIENCE", 0.05)

    def nested(_: Moves) -> Moves:
        return local.move_pointer(POINTER, Moves, lambda now: now)

    with pytest.raises(Conflict, match="another process"):
        local.move_pointer(POINTER, Moves, nested)


class Failing:
    """Stands in for a call of the operating system; fails at its nth use on files of the store."""

    def __init__(self, call: Callable[..., Any], at: int, code: int) -> None:
        self.call, self.at, self.code, self.used = call, at, code, 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if args and isinstance(args[0], str) and "store" not in args[0]:
            return self.call(*args, **kwargs)
        if self.call.__name__ == "mkdir" and os.path.isdir(args[0]):  # EEXIST, whatever the disk is like
            return self.call(*args, **kwargs)
        self.used += 1
        if self.used - 1 == self.at:
            raise OSError(self.code, os.strerror(self.code))
        return self.call(*args, **kwargs)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO], ids=["disk full", "disk broken"])
@pytest.mark.parametrize("call", ["replace", "fsync", "open", "mkdir"])
def test_a_disk_that_fails_at_any_moment_leaves_the_old_state(tmp_path: Path, call: str, code: int) -> None:
    """Every single call of a training's end fails once: one clear error, and readers see the old state or the new one."""
    module = builtins if call == "open" else os

    def write(store: Store, name: str) -> None:
        draft = store.draft(at("runs", name))
        draft.write_text("a.txt", name)
        draft.write_text("model/b.txt", name)
        draft.publish()
        store.move_pointer(at("pointers.json"), Moves, lambda now: now.changed(run=name))

    for nth in range(100):
        store = Store(str(tmp_path / str(nth) / "store"))
        write(store, "old")
        failing = Failing(getattr(module, call), nth, code)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, call, failing)
            try:
                write(store, "new")
            except StoreError as error:
                told = str(error)
        if failing.used <= nth:
            assert nth >= 2, "the call was never used"
            break
        assert ("free some space" if code == errno.ENOSPC else "check it") in told
        assert litter(tmp_path) == []
        moved = store.read_pointer(at("pointers.json"), Moves)
        assert moved == Moves(version=1, run="old") or ("does not confirm" in told and moved.run == "new")
        for name in store.folders(at("runs")):
            assert store.folder(at("runs", name)).verify() == []
        assert store.folder(at("runs", moved.run)).read_text("a.txt") == moved.run
        write(store, "next")
    else:
        pytest.fail("the calls never ended")


def test_a_file_that_the_disk_does_not_confirm_is_no_file(local: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not left in the folder, nor listed when the rest is published; one that is written again is a file like others."""
    draft = local.draft(at("runs", "one"))
    draft.write_text("a", "kept")
    with monkeypatch.context() as patch:
        for name in ("b", "c"):
            patch.setattr(disk, "sync_folder", Failing(os.fsync, 0, errno.EIO))
            with pytest.raises(
                StoreError, match=f"{name} was replaced, but the disk does not confirm that it will last"
            ):
                draft.write_text(name, "lost")
    assert os.listdir(draft.where) == ["a"]
    draft.write_text("c", "again")
    folder = draft.publish()
    assert (folder.files, folder.verify(), folder.read_text("c")) == (["a", "c"], [], "again")


@pytest.mark.parametrize(("code", "remedy"), [(errno.EACCES, "Permission denied"), (errno.EIO, "check it")])
def test_what_cannot_be_read_is_told(local: Store, monkeypatch: pytest.MonkeyPatch, code: int, remedy: str) -> None:
    """A file without permission or on a bad sector gives a StoreError; verify names it."""
    folder = finished(local)

    def failing(read: Any) -> Any:
        def guarded(path: Any, *args: Any, **options: Any) -> Any:
            if str(path).endswith("/a"):
                raise OSError(code, os.strerror(code))
            return read(path, *args, **options)

        return guarded

    monkeypatch.setattr(builtins, "open", failing(open))
    with pytest.raises(StoreError, match=f"one/a could not be read. .*{remedy}"):
        folder.read_bytes("a")
    assert folder.verify() == ["a"]


def test_a_file_in_the_place_of_a_folder_is_told(local: Store, tmp_path: Path) -> None:
    """Writing below a file is an error with its path, reading there finds nothing."""
    replace_file(str(tmp_path / "store/runs"), b"")
    with pytest.raises(StoreError, match="runs/one/a could not be written"):
        finished(local)
    with pytest.raises(NotFound):
        local.folder(at("runs", "one"))


def test_sweeping_removes_only_what_was_begun_long_ago_and_never_finished(local: Store, tmp_path: Path) -> None:
    """A finished directory of any age, one that is being written, and a plain file all stay."""
    finished(local, "runs", "finished")
    for name in ("dead", "alive"):
        local.draft(at("runs", name)).write_text("model/a.txt", "a")
    runs = tmp_path / "store/runs"
    (runs / "notes.txt").write_text("mine")
    for name in ("finished", "dead", "notes.txt"):
        os.utime(runs / name, (0, 0))
    assert local.sweep(at("runs")) == ["dead"]
    assert sorted(path.name for path in runs.iterdir()) == ["alive", "finished", "notes.txt"]
    assert local.sweep(at("nothing")) == []


def test_a_store_without_conditional_writes_refuses_pointers_clearly() -> None:
    """Directories work there; what changes would need a way to keep two writers apart, and says so."""
    store = Store(f"memory://{uuid.uuid4()}")
    assert finished(store).verify() == []
    assert store.sweep(at("runs")) == []
    assert store.read_pointer(POINTER, Moves) == Moves(version=0)
    with pytest.raises(StoreError, match="keeps two writers apart"):
        store.move_pointer(POINTER, Moves, lambda now: now)


def test_a_pointer_is_read_again_only_once_it_was_replaced(local: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A settled file is asked for its looks only; a move, by whomever, is seen at once."""
    local.move_pointer(POINTER, Moves, lambda now: now.changed(n=1))
    os.utime(local.path(POINTER), ns=(1, 1))
    assert local.read_pointer(POINTER, Moves).n == 1
    reads: list[str] = []
    read = local.read
    monkeypatch.setattr(local, "read", lambda path: (reads.append(path), read(path))[1])
    assert local.read_pointer(POINTER, Moves) == Moves(version=1, n=1)
    assert reads == []
    Store(local.root).move_pointer(POINTER, Moves, lambda now: now.changed(n=2))
    assert local.read_pointer(POINTER, Moves) == Moves(version=2, n=2)
    os.unlink(local.path(POINTER))
    assert local.read_pointer(POINTER, Moves) == Moves(version=0)


def test_moves_in_quick_succession_are_all_seen(local: Store) -> None:
    """Faster than the clock of the disk ticks: a fresh file is read each time."""
    other = Store(local.root)
    for n in range(50):
        other.move_pointer(POINTER, Moves, lambda now, n=n: now.changed(n=n))
        assert local.read_pointer(POINTER, Moves).n == n


def test_lines_are_only_ever_added(local: Store) -> None:
    """Each is there whole when the call returns; a store that cannot replace safely says so."""
    for n in range(3):
        local.append(at("one/audit.jsonl"), f"line {n}")
    assert Path(local.path(at("one/audit.jsonl"))).read_text() == "line 0\nline 1\nline 2\n"
    with pytest.raises(StoreError, match="keeps two writers apart"):
        Store("memory://x").append(at("audit.jsonl"), "x")


def test_a_file_in_pieces_is_whole_or_not_there(local: Store) -> None:
    """What breaks off leaves nothing; what is finished is as if it had been written at once."""
    draft = local.draft(at("uploads", "one"))

    def break_off() -> None:
        with draft.open("table.csv") as file:
            file.write(b"half")
            raise RuntimeError("the client is gone")

    with pytest.raises(RuntimeError, match="the client is gone"):
        break_off()
    assert not os.listdir(draft.where)
    with draft.open("table.csv") as file:
        file.write(b"one ")
        file.write(b"two")
    folder = draft.publish()
    assert (folder.read_bytes("table.csv"), folder.verify()) == (b"one two", [])
    with pytest.raises(Conflict), draft.open("table.csv"):
        pass
    with pytest.raises(StoreError, match="takes whole files"), Store("memory://x").draft(at("one")).open("a"):
        pass


def test_what_is_begun_in_vain_can_be_discarded(local: Store) -> None:
    """With all that was written; what is finished stays."""
    draft = local.draft(at("uploads", "one"))
    draft.write_bytes("a", b"a")
    draft.discard()
    assert not os.path.exists(draft.where)
    folder = finished(local, "uploads", "two")
    Store(local.root).draft(at("uploads", "two")).discard()
    assert folder.verify() == []


def test_what_is_removed_is_gone_as_a_whole(store: Store) -> None:
    """Its neighbours stay."""
    finished(store, "uploads", "one")
    finished(store, "uploads", "two")
    store.remove(at("uploads", "one"))
    assert store.folders(at("uploads")) == ["two"]
    with pytest.raises(NotFound):
        store.folder(at("uploads", "one"))


def test_a_name_of_the_future_is_the_oldest() -> None:
    """The clock was ahead once: what is made now counts as newer. Clocks that differ by hours change nothing."""
    now = datetime.now(UTC)
    soon, ahead = new_version(now + timedelta(hours=5)), "20991231T000000Z-00000000"
    first, second = new_version(now - timedelta(days=9)), new_version(now)
    assert oldest_first([soon, ahead, second, first]) == [ahead, first, second, soon]


def test_any_json_in_the_place_of_another_is_a_clear_error(local: Store) -> None:
    """In a file of a finished directory: the manifest is right, and what the file holds is no object."""
    for name, content in {"a": b"[]", "b": b"null", "c": b"{", "d": b"\xff", "e": b"[" * 100_000}.items():
        folder = finished(local, "runs", name, **{"run.json": content})
        with pytest.raises(Untrusted, match=r"run\.json cannot be used"):
            folder.read_json("run.json")
    assert finished(local, "runs", "f", **{"run.json": b'{"x": 1e999, "y": NaN}'}).read_json("run.json") == {
        "x": None,
        "y": None,
    }
