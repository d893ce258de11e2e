"""Pointers, lines and directories on gs:// and s3://: with many writers, and with a store that fails now and then."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pipelines.core.errors import Conflict, StoreError, Untrusted
from pipelines.core.names import new_version
from pipelines.runs import aliases
from pipelines.storage import copies
from pipelines.storage.bucket import Bucket
from pipelines.storage.copies import Copies
from pipelines.storage.layout import Places
from pipelines.storage.objects import Objects
from pipelines.storage.store import Store, Stores
from tests.support import records, stores
from tests.support.places import POINTER, Moves, at, one_more

ROOT = Path(__file__).parents[3]


class Site:
    """A bucket, and a store below a folder of it."""

    def __init__(self, kind: stores.Kind, bucket: stores.Bucket) -> None:
        self.kind, self.bucket = kind, bucket
        self.url = f"{kind}://bucket/artifacts"
        self.store = Store(self.url)

    def lose_an_answer(self) -> None:
        """To the next request that writes."""

        def fault(method: str, path: str) -> int | str | None:
            if method not in ("PUT", "POST"):
                return None
            self.heal()
            return "lost"

        self.bucket.fault = fault

    def always(self, status: int, *methods: str) -> None:
        self.bucket.fault = lambda method, path: status if method in methods else None

    def heal(self) -> None:
        self.bucket.fault = lambda method, path: None


@pytest.fixture(params=["gs", "s3"])
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    with stores.serve(request.param) as bucket:
        yield Site(request.param, bucket)


def at_once(writers: int, work: Callable[[int], Any]) -> list[Any]:
    with ThreadPoolExecutor(writers) as pool:
        return list(pool.map(work, range(writers)))


def test_eight_writers_lose_no_move(site: Site) -> None:
    """Of 8 × 50 moves each is given a version of its own, ascending for each writer, and none is lost."""
    moves = 50 if site.kind == "gs" else 10  # moto is slow
    found = at_once(8, lambda _: [site.store.move_pointer(POINTER, Moves, one_more).version for _ in range(moves)])
    assert sorted(version for versions in found for version in versions) == list(range(1, 8 * moves + 1))
    assert all(versions == sorted(versions) for versions in found)
    assert site.store.read_pointer(POINTER, Moves) == Moves(version=8 * moves, n=8 * moves)


def test_writers_lose_nothing_while_the_store_fails(site: Site) -> None:
    """Refusals, lost answers and broken connections at random: each of 4 × 15 moves is made exactly once."""
    chance, lock = random.Random(15), threading.Lock()  # each kind comes thrice in its first 110
    met: Counter[int | str | None] = Counter()

    def fault(method: str, path: str) -> int | str | None:
        with lock:
            found = chance.choices([None, 429, 503, "lost", "cut"], [88, 3, 3, 3, 3])[
                0
            ]  # a client that tries six times gives up once in a million
            met[found] += 1
        return found

    site.bucket.fault = fault
    found = at_once(4, lambda _: [site.store.move_pointer(POINTER, Moves, one_more).version for _ in range(15)])
    site.heal()
    assert sorted(version for versions in found for version in versions) == list(range(1, 61))
    assert site.store.read_pointer(POINTER, Moves) == Moves(version=60, n=60)
    assert min(met[kind] for kind in (429, 503, "lost", "cut")) >= 3


@pytest.mark.parametrize("expected", [None, 1])
def test_a_lost_answer_is_no_conflict_with_oneself(site: Site, expected: int | None) -> None:
    """The write was made, the answer was lost, and the client's second try is refused: one move, and no error."""
    site.store.move_pointer(POINTER, Moves, one_more)
    site.lose_an_answer()
    assert site.store.move_pointer(POINTER, Moves, one_more, expected=expected) == Moves(version=2, n=2)
    assert site.store.read_pointer(POINTER, Moves) == Moves(version=2, n=2)


def test_a_lost_answer_is_found_also_after_others_have_written(site: Site) -> None:
    """Another writer comes between the write and the check of the result; both moves count once."""
    other = Store(site.url)

    def fault(method: str, path: str) -> int | str | None:
        if method not in ("PUT", "POST"):
            return None
        site.heal()
        threading.Timer(0, lambda: other.move_pointer(POINTER, Moves, one_more)).start()
        return "lost"

    site.store.move_pointer(POINTER, Moves, one_more)
    site.bucket.fault = fault
    site.store.move_pointer(POINTER, Moves, one_more)
    deadline = datetime.now() + timedelta(seconds=10)
    while site.store.read_pointer(POINTER, Moves).version < 3 and datetime.now() < deadline:
        pass
    assert site.store.read_pointer(POINTER, Moves) == Moves(version=3, n=3)


def test_a_stale_writer_is_told(site: Site) -> None:
    """Who has seen version 1 cannot move version 2, and the change is not even asked for."""
    for _ in range(2):
        site.store.move_pointer(POINTER, Moves, one_more)
    with pytest.raises(Conflict, match="version 2, not 1"):
        site.store.move_pointer(POINTER, Moves, lambda _: pytest.fail("asked"), expected=1)
    assert site.store.read_pointer(POINTER, Moves) == Moves(version=2, n=2)


def test_two_who_saw_the_same_version_are_told_apart(site: Site) -> None:
    """Eight writers expect version 0: one wins, the others get a Conflict."""

    def move(_: int) -> bool:
        try:
            site.store.move_pointer(POINTER, Moves, one_more, expected=0)
        except Conflict:
            return False
        return True

    assert sum(at_once(8, move)) == 1
    assert site.store.read_pointer(POINTER, Moves) == Moves(version=1, n=1)


def test_a_writer_that_others_always_beat_gives_up(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a bounded number of tries, with a Conflict that says so."""
    monkeypatch.setattr("pipelines.storage.objects._TRIES", 3)
    other = Store(site.url)

    def beaten(now: Moves) -> Moves:
        other.move_pointer(POINTER, Moves, one_more)
        return now

    with pytest.raises(Conflict, match="by others all the time"):
        site.store.move_pointer(POINTER, Moves, beaten)
    assert site.store.read_pointer(POINTER, Moves) == Moves(version=3, n=3)


@pytest.mark.parametrize(
    ("site", "status", "told"),
    [  # moto's failures are all of one kind
        ("gs", 429, "fewer requests"),
        ("gs", 503, "status 503"),
        ("gs", 403, "Access was denied"),
        ("s3", 503, "status 503"),
    ],
    indirect=["site"],
)
def test_a_store_that_goes_on_refusing_is_told(site: Site, status: int, told: str) -> None:
    """One sentence without a traceback's words, and the old state; reading says so too, and never `there is none`."""
    draft = site.store.draft(at("runs", "one"))
    draft.write_bytes("a", b"a")
    draft.publish()
    site.store.move_pointer(POINTER, Moves, one_more)
    site.always(status, "PUT", "POST")
    for write in (
        lambda: site.store.move_pointer(POINTER, Moves, one_more),
        lambda: site.store.append(at("a.jsonl"), "x"),
        lambda: site.store.draft(at("runs", "two")).write_bytes("a", b"a"),
    ):
        with pytest.raises(StoreError, match=f"could not be written. .*{told}"):
            write()
    site.always(status, "GET", "HEAD")
    reads: list[Callable[[], Any]] = [
        lambda: site.store.read_pointer(POINTER, Moves),
        lambda: site.store.folder(at("runs", "one")),
        lambda: site.store.folders(at("runs")),
        lambda: site.store.sweep(at("runs")),
        lambda: site.store.lines(at("a.jsonl")),
    ]
    for read in reads:
        with pytest.raises(StoreError, match=told) as caught:
            read()
        assert type(caught.value) is StoreError
    site.heal()
    assert site.store.read_pointer(POINTER, Moves) == Moves(version=1, n=1)
    assert (site.store.folders(at("runs")), site.store.lines(at("a.jsonl"))) == (["one"], [])


def test_what_may_have_been_written_is_said(site: Site) -> None:
    """The write's answer is lost, and then the store cannot be asked: the error says to look first."""
    site.store.move_pointer(POINTER, Moves, one_more)
    seen = {"written": False}

    def fault(method: str, path: str) -> int | str | None:
        seen["written"] |= method in ("PUT", "POST")
        return 503 if seen["written"] else None

    site.bucket.fault = fault
    with pytest.raises(StoreError, match="Look before you try again"):
        site.store.move_pointer(POINTER, Moves, one_more)


def test_lines_are_each_added_once(site: Site) -> None:
    """By four writers, while answers get lost: all are there, each once, and those of a writer in their order."""
    chance, lock = random.Random(3), threading.Lock()

    def fault(method: str, path: str) -> int | str | None:
        with lock:
            return chance.choices([None, 503, "lost"], [80, 10, 10])[0]

    site.bucket.fault = fault
    at_once(4, lambda writer: [site.store.append(at("a.jsonl"), f"{writer} {n}") for n in range(15)])
    site.heal()
    lines = site.store.lines(at("a.jsonl"))
    assert sorted(lines) == sorted(f"{writer} {n}" for writer in range(4) for n in range(15))
    for writer in range(4):
        own = [line for line in lines if line.startswith(f"{writer} ")]
        assert own == [f"{writer} {n}" for n in range(15)]


def test_the_audit_tells_the_moves_that_were_made(site: Site) -> None:
    """Four people move an alias at once: by the last line of each move, every version has one, and each begins where the one before ended."""
    reader, runs = Stores(site.store, site.store), [new_version() for _ in range(4)]
    for run_id in runs:
        draft = site.store.draft(Places("mine").run(run_id))
        draft.write_record(records.run())
        draft.publish()
    at_once(4, lambda n: [aliases.promote(reader, "mine", runs[n], "better", by=str(n)) for _ in range(3)])
    last = {(move := json.loads(line))["move"]: move for line in site.store.lines(Places("mine").audit)}
    moves = sorted(last.values(), key=lambda move: move["version"])
    assert [move["version"] for move in moves] == list(range(1, 13))
    assert [move["from"] for move in moves] == [None, *(move["to"] for move in moves[:-1])]
    assert reader.pointers("mine").production.run_id == moves[-1]["to"]


def test_nothing_is_answered_from_memory(site: Site) -> None:
    """What another client writes, removes or moves is seen by the next read and the next listing."""
    reader, writer = Store(site.url), Store(site.url)
    fs = type(reader.medium.objects.fs)(skip_instance_cache=True, use_listings_cache=False)
    writer.medium = Bucket(writer.root, Objects(fs))
    for n in range(4):
        assert reader.folders(at("runs")) == [str(one) for one in range(n)]
        draft = writer.draft(at("runs", str(n)))
        draft.write_bytes("a", b"a")
        assert reader.folders(at("runs")) == [str(one) for one in range(n)]
        draft.publish()
        writer.move_pointer(POINTER, Moves, lambda now, n=n: now.changed(n=n))
        assert reader.read_pointer(POINTER, Moves) == Moves(version=n + 1, n=n)
        assert reader.folder(at("runs", str(n))).verify() == []
    writer.remove(at("runs", "0"))
    assert reader.folders(at("runs")) == ["1", "2", "3"]


def test_a_finished_directory_is_never_finished_again(site: Site) -> None:
    """Two drafts of one name: the second manifest is a Conflict, and the first one stays; a lost answer is none."""
    first, second = site.store.draft(at("runs", "one")), site.store.draft(at("runs", "one"))
    first.write_bytes("a", b"a")
    second.write_bytes("b", b"b")
    site.lose_an_answer()
    first.publish()
    with pytest.raises(Conflict):
        second.publish()
    assert site.store.folder(at("runs", "one")).files == ["a"]


def test_sweeping_removes_the_objects_of_dead_drafts(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that were begun over a day ago and never finished; a finished directory of any age and a living draft stay."""
    for name in ("dead", "finished"):
        draft = site.store.draft(at("runs", name))
        draft.write_bytes("model/a", b"a")
        if name == "finished":
            draft.publish()
    assert site.store.sweep(at("runs")) == []
    tomorrow = datetime.now(UTC) + timedelta(days=2)

    class Later(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return tomorrow

    monkeypatch.setattr("pipelines.storage.bucket.datetime", Later)
    assert site.store.sweep(at("runs")) == ["dead"]
    assert site.store.medium.find(at("runs")) == {"finished/MANIFEST.json", "finished/model/a"}


def test_a_draft_can_be_discarded(site: Site) -> None:
    """With all its objects; a finished one stays."""
    draft = site.store.draft(at("runs", "one"))
    draft.write_bytes("model/a", b"a")
    draft.discard()
    assert site.store.medium.find(at()) == set()
    draft = site.store.draft(at("runs", "one"))
    draft.write_bytes("a", b"a")
    draft.publish()
    draft.discard()
    assert site.store.folders(at("runs")) == ["one"]


WRITER = """
from pipelines.storage.store import Store
from tests.support.places import POINTER, Moves, at
store = Store({url!r})
draft = store.draft(at("runs", "two"))
for name in ("a", "model/b", "c"):
    draft.write_bytes(name, name.encode() * 100)
draft.publish()
store.move_pointer(POINTER, Moves, lambda now: now.changed(run="two"))
"""


@pytest.mark.parametrize("write", [2, 4, 5])
def test_a_writer_that_is_killed_between_two_objects_leaves_the_old_state(site: Site, write: int) -> None:
    """At its second file, its manifest and its pointer: readers see the run before, whole, and the new one only once it is."""
    draft = site.store.draft(at("runs", "one"))
    draft.write_bytes("a", b"a")
    draft.publish()
    site.store.move_pointer(POINTER, Moves, lambda now: now.changed(run="one"))
    writes: list[str] = []
    process = subprocess.Popen([sys.executable, "-c", WRITER.format(url=site.url)], cwd=ROOT, stderr=subprocess.DEVNULL)

    def fault(method: str, path: str) -> int | str | None:
        if method in ("PUT", "POST"):
            writes.append(path)
            if len(writes) == write:
                process.kill()
                return "cut"
        return None

    site.bucket.fault = fault
    assert process.wait(60) == -signal.SIGKILL
    site.heal()
    assert site.store.read_pointer(POINTER, Moves) == Moves(version=1, run="one")
    assert site.store.folder(at("runs", "one")).verify() == []
    assert site.store.folders(at("runs")) == (["one", "two"] if write == 5 else ["one"])


def test_a_table_is_fetched_once(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is opened as often as one likes; a copy that was changed is refused, and fetched again the next time."""
    monkeypatch.setattr("pipelines.storage.bucket._COPIES", Copies(tmp_path / "copies"))
    frame = pd.DataFrame({"unique_id": list("aab"), "y": [1.0, 2.0, 3.0]})
    draft = site.store.draft(at("runs", "one"))
    draft.write_parquet("t.parquet", frame)
    folder = draft.publish()

    def fetched() -> int:
        site.bucket.requests.clear()
        pd.testing.assert_frame_equal(folder.open_parquet("t.parquet").read().to_pandas(), frame)
        return len(site.bucket.requests)

    assert fetched() > 0
    assert fetched() == 0
    (copy,) = (tmp_path / "copies").iterdir()
    content = bytearray(copy.read_bytes())
    content[5] ^= 1
    copy.write_bytes(content)
    with pytest.raises(Untrusted):
        folder.open_parquet("t.parquet")
    assert fetched() > 0
    site.store.medium.objects.remove(site.store.path(at("runs", "one", "t.parquet")))
    copy.unlink()
    with pytest.raises(Untrusted, match="listed, but gone"):
        folder.open_parquet("t.parquet")
    assert folder.verify() == ["t.parquet"]


def test_copies_take_bounded_room_that_is_nobody_elses(tmp_path: Path) -> None:
    """The longest unused go first, one in use by somebody is not harmed, and a folder open to others is refused."""
    kept = Copies(tmp_path / "copies", largest=25)
    for n, name in enumerate("abc"):
        path = kept.get(name, 10, lambda to: Path(to).write_bytes(b"x" * 10))  # type: ignore[arg-type,return-value]
        os.utime(path, (n, n))
    assert sorted(one.name for one in (tmp_path / "copies").iterdir()) == ["b", "c"]
    (tmp_path / "copies").chmod(0o777)
    with pytest.raises(StoreError, match="can be written by others"):
        kept.get("d", 10, lambda to: None)
    assert copies.LARGEST < 2**30


def test_a_pointer_is_the_same_file_as_on_a_disk(site: Site, tmp_path: Path) -> None:
    """So that a bucket can be copied into a folder and back."""
    local = Store(str(tmp_path))
    for store in (local, site.store):
        store.move_pointer(POINTER, Moves, lambda now: now.changed(run="one"))
        store.append(at("a.jsonl"), json.dumps({"n": 1}))
        store.append(at("a.jsonl"), json.dumps({"n": 2}))
    for name in ("p.json", "a.jsonl"):
        assert site.store.read(at(name)) == (tmp_path / name).read_bytes()
