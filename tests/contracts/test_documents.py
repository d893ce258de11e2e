"""Pages for developers agree with what they describe."""

import re
from pathlib import Path
from typing import get_args

import pytest

from backend.copilot.offline.names import METRICS
from backend.core.problem_types import TYPES
from pipelines import __version__
from pipelines.core import plugins
from pipelines.forecasting.evaluation.ensemble import ENSEMBLE
from pipelines.forecasting.read.monitoring_rows import Status

ROOT = Path(__file__).parents[2]
FOLDERS = [ROOT / name for name in ("data/README.md", "artifacts/README.md")]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *FOLDERS, *sorted((ROOT / "docs").rglob("*.md"))]
LONGEST_README = 900  # words


def text(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def test_the_readme_is_short_and_begins_with_the_two_commands() -> None:
    """It has at most 900 words, and both commands come before its first heading of a section."""
    page = text("README.md")
    assert len(page.split()) <= LONGEST_README
    first = page.partition("\n## ")[0]
    assert "make demo" in first
    assert "make test" in first


def test_the_map_of_the_documentation_names_every_page() -> None:
    """Each page right below docs is linked from docs/README.md; decisions, help and benchmarks are linked as folders."""
    linked = set(re.findall(r"\]\(([^)#]+)\)", text("docs/README.md")))
    pages = {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert pages <= linked
    assert {"decisions/README.md", "benchmarks", "help"} <= linked


def test_the_index_of_decisions_lists_every_decision() -> None:
    """With its number, its title and one sentence, in order; nothing else."""
    listed = re.findall(r"^\| (\d+) \| \[(.+)\]\((.+)\) \| (.+\.) \|$", text("docs/decisions/README.md"), re.M)
    files = sorted(path.name for path in (ROOT / "docs/decisions").glob("[0-9]*.md"))
    assert [file for _, _, file, _ in listed] == files
    for number, title, file, _ in listed:
        assert text(f"docs/decisions/{file}").startswith(f"# {number}. {title}\n")
        assert int(file[:4]) == int(number)


def test_the_help_explains_every_model_metric_and_status() -> None:
    """Each registered model has its name in a heading of docs/help/models.md; the glossary has every metric and status."""
    headings = ", ".join(re.findall(r"^## (.+)$", text("docs/help/models.md"), re.M)).split(", ")
    assert {*plugins.names("pipelines.forecasting.models"), ENSEMBLE} == set(headings)
    glossary = text("docs/help/glossary.md")
    for name in (*METRICS, *get_args(Status)):
        assert re.search(rf"\b{name}\b", glossary, re.I), name


def test_the_page_of_the_api_lists_every_type_of_error() -> None:
    """With its status and description."""
    page = text("docs/API.md")
    for one in TYPES.values():
        assert f"| `{one.uri}` | {one.status} | {one.description} |" in page


def test_the_changelog_begins_with_this_version_and_has_its_migration() -> None:
    """Each release from 0.2.0 on says what changed in the API and what to do about it."""
    releases = re.split(r"^## ", text("CHANGELOG.md"), flags=re.M)[1:]
    assert releases[0].startswith(f"{__version__} ")
    for release in releases:
        if release.startswith("0.1.0"):
            break
        assert "\n### API: what changed\n" in release
        assert "\n### Migration\n" in release
        assert "\n| path or field | before | after |\n" in release


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    """Relative links name a file that exists."""
    for target in re.findall(r"\]\((?!https?://|#)([^)#\s]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target
