"""The locks of the images: parts of the one lock, with hashes."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = sorted((ROOT / "images").glob("*.lock"))
_PIN = re.compile(r"^([a-z0-9._-]+)==([^ \\]+)(.*?)(?=^[a-z0-9._-]+==|\Z)", re.M | re.S)


def pins(path: Path) -> dict[str, tuple[str, frozenset[str]]]:
    """Version and hashes of each package."""
    found = _PIN.findall(path.read_text(encoding="utf-8"))
    return {name: (version, frozenset(re.findall(r"sha256:[0-9a-f]{64}", rest))) for name, version, rest in found}


def excluded(image: str) -> set[str]:
    lines = (ROOT / f"images/{image}.excludes").read_text(encoding="utf-8").splitlines()
    return {line for line in lines if line and not line.startswith("#")}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.stem)
def test_an_image_holds_what_the_one_lock_pins(lock: Path) -> None:
    """Each package at the version and with the hashes of requirements.lock: what is tested is what is deployed."""
    whole, part = pins(ROOT / "requirements.lock"), pins(lock)
    assert len(part) > 40
    assert {name: pin for name, pin in part.items() if whole.get(name) != pin} == {}
    assert all(hashes for _, hashes in part.values())


@pytest.mark.parametrize("image", ["api", "pipelines"])
def test_what_is_excluded_is_not_locked(image: str) -> None:
    """A name in an excludes file that is misspelt, or a stale lock, is reported."""
    names = excluded(image)
    assert names
    assert names <= set(pins(ROOT / "requirements.lock")) | {"setuptools", "cython", "build"}
    assert not names & set(pins(ROOT / f"images/{image}.lock"))


def test_no_image_holds_tools_for_development() -> None:
    """Test runners, linters and compilers stay outside."""
    tools = {"pytest", "mypy", "ruff", "uv", "pip", "cython", "setuptools", "wheel", "playwright", "moto", "hypothesis"}
    for lock in LOCKS:
        assert not tools & set(pins(lock)), lock.name


def test_the_web_app_has_no_models_and_no_keys_of_clouds() -> None:
    """It speaks HTTP only: no model library, no client of a store."""
    assert not {"statsforecast", "lightgbm", "gcsfs", "chromadb", "openai"} & set(pins(ROOT / "images/app.lock"))


def test_locks_name_no_address() -> None:
    """A lock holds names, versions and hashes, and works with any registry."""
    for lock in LOCKS:
        assert "://" not in lock.read_text(encoding="utf-8"), lock.name
