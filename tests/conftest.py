from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the repository; tests that need it skip where it is absent."""
    folder = Path(__file__).parent.parent.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"needs the real data sets in {folder}, which are not part of the project")
    return folder


@pytest.fixture(autouse=True)
def _own_log() -> Iterator[None]:
    """A test that sets up a log leaves none behind: it would write to what pytest has closed by then."""
    yield
    structlog.reset_defaults()
