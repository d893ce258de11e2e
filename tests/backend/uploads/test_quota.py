"""What uploads take on the disk: limited together, whatever they are called, and swept by age."""

import os
import time
from pathlib import Path

import pytest

from backend.core.errors import Problem
from backend.uploads.quota import Quota
from pipelines.core.names import new_version
from pipelines.storage.layout import Place
from pipelines.storage.store import Store, Stores

HOUR, DAY = 3_600.0, 86_400.0
MB = 2**20


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stores:
    """A project with nothing but a folder for settings."""
    (tmp_path / "configs/workspaces").mkdir(parents=True)
    monkeypatch.setenv("FORECAST_CONFIG_DIR", str(tmp_path / "configs"))
    return Stores(Store(str(tmp_path / "data")), Store(str(tmp_path / "artifacts")))


def upload(reader: Stores, name: str, size: int = 4 * MB, age: float = 0.0) -> str:
    """A finished upload of so many bytes, received so many seconds ago."""
    draft = reader.data.draft(Place(("uploads", name, new_version())))
    with draft.open("table.csv") as file:
        file.truncate(size)
    folder = Path(draft.publish().where)
    for path in folder.iterdir():
        os.utime(path, (time.time() - age,) * 2)
    return folder.name


def use(reader: Stores, name: str, upload_id: str) -> None:
    """A workspace that is made of it."""
    file = Path(os.environ["FORECAST_CONFIG_DIR"], f"workspaces/{name}.yaml")
    file.write_text(f"source: {{kind: file, path: uploads/{name}/{upload_id}/table.csv}}\n")


def names(reader: Stores) -> set[str]:
    return {path.name for path in Path(reader.data.path(Place(("uploads",)))).iterdir()}


def test_many_names_have_no_more_room_than_one(reader: Stores) -> None:
    """40 uploads of 4 MiB under 40 names are refused at the limit of 64 MiB, and it is said when to try again."""
    quota, refused = Quota(reader, mb=64), []
    for number in range(40):
        try:
            with quota.reserved():
                quota.prepare(f"fill-{number}", new_version())
            upload(reader, f"fill-{number}")
        except Problem as problem:
            refused.append(problem)
    taken = sum(
        path.stat().st_size for path in Path(reader.data.path(Place(("uploads",)))).rglob("*") if path.is_file()
    )
    assert taken <= 64 * MB
    assert len(refused) > 25
    assert refused[0].status == 503
    assert "of the 64 MiB" in refused[0].detail
    assert 3_000 < int(refused[0].headers["Retry-After"]) <= 3_600


def test_unused_uploads_make_room_the_oldest_first(reader: Stores) -> None:
    """Not those that somebody may still be looking at, nor those that a workspace uses, however old."""
    quota = Quota(reader, mb=64)
    use(reader, "used", upload(reader, "used", 16 * MB, age=3 * DAY))
    upload(reader, "old", 16 * MB, age=2 * DAY)
    upload(reader, "older", 16 * MB, age=2.5 * DAY)
    upload(reader, "fresh", 10 * MB, age=60)
    with quota.reserved():
        quota.prepare("new", new_version())
        assert names(reader) == {"used", "fresh", "new"}
        with quota.reserved(), pytest.raises(Problem, match="API_UPLOADS_MB"):
            quota.prepare("second", new_version())


def test_what_no_workspace_uses_goes_after_a_week(reader: Stores) -> None:
    """Under every name, with the folder of the name; what is used stays."""
    use(reader, "used", upload(reader, "used", 1, age=30 * DAY))
    for number in range(3):
        upload(reader, f"old-{number}", 1, age=8 * DAY)
    upload(reader, "recent", 1, age=6 * DAY)
    Quota(reader, mb=512).prepare("new", new_version())
    assert names(reader) == {"used", "recent", "new"}


def test_tiny_uploads_count_what_their_folders_take(reader: Stores) -> None:
    """A million uploads of a byte fill a disk's table of files."""
    for number in range(5):
        for _ in range(9):
            upload(reader, f"tiny-{number}", 1)
    with pytest.raises(Problem):
        Quota(reader, mb=2).prepare("new", new_version())


def test_the_folder_of_an_upload_that_comes_in_is_not_swept(reader: Stores) -> None:
    """It is empty until the first piece is written, while another name's sweep removes empty folders."""
    quota = Quota(reader, mb=512)
    quota.prepare("first", "20240101T000000Z-00000000")
    quota.prepare("second", "20240101T000000Z-00000001")
    assert names(reader) == {"first", "second"}
