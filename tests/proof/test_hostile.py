"""Five hundred hostile artifacts: each is refused before one byte of it is executed."""

import bz2
import gzip
import io
import itertools
import json
import lzma
import os
import pickle
import random
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import joblib
import pandas as pd
import pytest

from pipelines.core.errors import ForecastError
from pipelines.forecasting import payload
from pipelines.forecasting.evaluation.fit import Fitted
from pipelines.forecasting.figures import Figures
from pipelines.forecasting.payload import MODELS, load_models
from pipelines.forecasting.settings import Workspace
from pipelines.storage import manifest
from pipelines.storage.manifest import Entry, Manifest
from pipelines.storage.records import Data
from pipelines.storage.store import Store, Stores

ARTIFACTS = 500
KEY = "a-key-of-tests-that-signs-artifacts-0001"
PICKLE = "model/00000.pkl"
WORKSPACE = Workspace.model_validate(
    {"name": "mine", "source": {"kind": "file", "path": "x.csv"}, "frequency": "D", "models": ["naive"]}
)


class Gadget:
    """Unpickling it calls `call`, which leaves the file `boom` behind."""

    def __init__(self, call: Callable[..., Any], *arguments: Any) -> None:
        self.call, self.arguments = call, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call, self.arguments


def gadgets(boom: Path) -> list[Gadget]:
    return [
        Gadget(Path.touch, boom),
        Gadget(os.system, f"touch '{boom}'"),
        Gadget(os.mkdir, str(boom)),
        Gadget(exec, f"open({str(boom)!r}, 'w').close()"),
        Gadget(shutil.copy, os.__file__, str(boom)),
    ]


def by_joblib(gadget: Gadget) -> bytes:
    file = io.BytesIO()
    joblib.dump(gadget, file, compress=("zlib", 3))
    return file.getvalue()


CODECS: dict[str, Callable[[Gadget], bytes]] = {
    "pickle": pickle.dumps,
    "joblib": by_joblib,
    "gzip": lambda gadget: gzip.compress(pickle.dumps(gadget, 0)),
    "bz2": lambda gadget: bz2.compress(pickle.dumps(gadget, 2)),
    "lzma": lambda gadget: lzma.compress(pickle.dumps(gadget, 4)),
}
PATHS = (
    "../../../../evil.pkl", "../evil.pkl", "model/../../evil.pkl", "/tmp/evil.pkl", "..\\evil.pkl", "model/\0.pkl",
    "evil.pkl/..", "//evil.pkl", "file:///tmp/evil.pkl", "C:\\evil.pkl", "model/%2e%2e/evil.pkl", "~/evil.pkl",
)  # fmt: skip


class Attack:
    """A run that somebody has changed, in its `folder`; beside it a folder of the attacker's own."""

    def __init__(self, folder: Path, evil: bytes, rng: random.Random) -> None:
        self.folder, self.evil, self.rng = folder, evil, rng
        self.outside = folder.parents[3] / "outside"
        self.outside.mkdir(exist_ok=True)

    @property
    def listing(self) -> Manifest:
        return Manifest.from_json((self.folder / manifest.NAME).read_bytes(), "")

    def sign(self, key: str | None, **changed: bytes) -> None:
        """Lists the changed files by their new digests; `key`: None signs nothing."""
        files = self.listing.files | {name: Entry.of(content) for name, content in changed.items()}
        (self.folder / manifest.NAME).write_bytes(Manifest(files).signed(key).to_json())

    def replaced(self) -> None:
        """A program in the place of a model."""
        (self.folder / PICKLE).write_bytes(self.evil)

    def swapped_digest(self) -> None:
        """The same, and its digest in the manifest under the old signature."""
        self.replaced()
        old = json.loads((self.folder / manifest.NAME).read_bytes())
        entry = Entry.of(self.evil)
        old["files"][PICKLE] = {"size": entry.size, "sha256": entry.sha256}
        (self.folder / manifest.NAME).write_text(json.dumps(old))

    def unsigned(self) -> None:
        """Consistent, but nobody has signed it."""
        self.replaced()
        self.sign(None, **{PICKLE: self.evil})

    def foreign_signature(self) -> None:
        """Consistent, and signed with another key."""
        self.replaced()
        self.sign(f"{KEY}-not", **{PICKLE: self.evil})

    def truncated(self) -> None:
        """A file ends too early."""
        path = self.folder / self.rng.choice([PICKLE, MODELS, manifest.NAME])
        content = path.read_bytes()
        path.write_bytes(content[: self.rng.randrange(len(content))])

    def flipped(self) -> None:
        """One bit of a file is another one."""
        path = self.folder / self.rng.choice([PICKLE, MODELS, manifest.NAME])
        content = bytearray(path.read_bytes())
        content[self.rng.randrange(len(content))] ^= 1 << self.rng.randrange(8)
        path.write_bytes(content)

    def path_payload(self) -> None:
        """Even signed with our key: the table of models and the manifest name a file elsewhere."""
        name = self.rng.choice(PATHS)
        (self.outside / "evil.pkl").write_bytes(self.evil)
        (self.folder.parent / "evil.pkl").write_bytes(self.evil)
        table = pd.read_parquet(self.folder / MODELS).assign(file=name)
        table.to_parquet(self.folder / MODELS)
        self.sign(KEY, **{MODELS: (self.folder / MODELS).read_bytes(), name: self.evil})

    def linked_file(self) -> None:
        """Even signed with our key: the model is a link to a file elsewhere."""
        (self.outside / "evil.pkl").write_bytes(self.evil)
        (self.folder / PICKLE).unlink()
        (self.folder / PICKLE).symlink_to(self.outside / "evil.pkl")
        self.sign(KEY, **{PICKLE: self.evil})

    def linked_folder(self) -> None:
        """Even signed with our key: the whole run is a link to a folder elsewhere."""
        self.replaced()
        self.sign(KEY, **{PICKLE: self.evil})
        shutil.move(self.folder, self.outside / "run")
        self.folder.symlink_to(self.outside / "run", target_is_directory=True)


ATTACKS = (
    Attack.replaced, Attack.swapped_digest, Attack.unsigned, Attack.foreign_signature, Attack.truncated,
    Attack.flipped, Attack.path_payload, Attack.linked_file, Attack.linked_folder,
)  # fmt: skip


class Watch:
    """Python's own word on what is executed: an unpickler that looks a name up, a shell, a program."""

    EVENTS = ("pickle.find_class", "os.system", "subprocess.Popen")

    def __init__(self) -> None:
        self.on, self.seen = False, list[str]()
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.on and event in self.EVENTS:
            self.seen.append(f"{event} {arguments}")

    @contextmanager
    def watching(self) -> Iterator[None]:
        self.on = True
        try:
            yield
        finally:
            self.on = False


@pytest.fixture(scope="module")
def watch() -> Watch:
    return Watch()  # a hook stays for the life of the process


@pytest.mark.proof
def test_hostile_artifacts_are_refused_before_a_byte_is_executed(
    tmp_path: Path, watch: Watch, record_property: Callable[[str, object], None]
) -> None:
    """Gadgets in five codecs, swapped digests, truncation, flipped bits, paths and links; an honest run is loaded."""
    rng, found = random.Random(5), Counter[str]()
    own = Store(str(tmp_path / "honest"), KEY)
    honest = payload.begin(Stores(own, own), WORKSPACE, Data(version="v"), parent=None)
    payload.save_models(honest, iter([Fitted("naive", ("a", "b"), {"value": 1})]))
    run = honest.succeed(Figures())
    with watch.watching():
        assert [one.forecaster for one in load_models(run, ["a"])] == [{"value": 1}]
    assert watch.seen == []  # a dictionary of numbers looks nothing up
    ways = itertools.cycle(itertools.product(CODECS, range(5), ATTACKS))
    for number in range(ARTIFACTS):
        codec, gadget, attack = next(ways)
        root, boom = tmp_path / str(number), tmp_path / f"boom-{number}"
        folder = root / "artifacts/mine/runs" / run.name
        shutil.copytree(run.where, folder)
        attack(Attack(folder, CODECS[codec](gadgets(boom)[gadget]), rng))
        store = Store(str(root / "artifacts"), KEY, require_signature=True)
        with pytest.raises(ForecastError) as refused, watch.watching():
            list(load_models(store.folder(run.place), ["a"]))
        found[f"{attack.__name__}, {type(refused.value).__name__}"] += 1
        assert not boom.exists()
        assert watch.seen == []
        shutil.rmtree(root)
    assert {name.partition(",")[0] for name in found} == {attack.__name__ for attack in ATTACKS}
    record_property(
        "hostile artifacts, gadgets in five codecs",
        f"{found.total()} refused, 0 bytes executed: "
        + ", ".join(f"{n} {name.partition(',')[0].replace('_', ' ')}" for name, n in sorted(found.items())),
    )


def test_the_gadgets_work_and_are_seen(tmp_path: Path, watch: Watch) -> None:
    """The test above proves something only if each of them has an effect, and the watch hears of it."""
    for number, gadget in enumerate(gadgets(tmp_path / "boom")):
        with watch.watching():
            pickle.loads(CODECS["pickle"](gadget))
        boom = tmp_path / "boom"
        assert boom.exists()
        boom.rmdir() if boom.is_dir() else boom.unlink()
        assert len(watch.seen) > number
    watch.seen.clear()
