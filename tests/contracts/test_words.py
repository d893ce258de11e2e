"""Plain English: phrases that were retired do not come back in code, settings and pages."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Pages of measurements and releases quote what programs printed at the time.
QUOTES = ("CHANGELOG.md", "docs/benchmarks/", "tests/contracts/test_words.py")
FOLDERS = ("backend", "configs", "docs", "frontend", "pipelines", "scripts", "terraform", "tests")
KINDS = (".py", ".md", ".yaml", ".yml", ".toml", ".tf", ".sh", ".json", "Makefile")

# By what is written in their place.
RETIRED = {
    "actuals": r"what came(?! (from|of|in with))|what was forecast|by what came",
    "rebuilt, again": r"\banew\b",
    "most severe": r"\bgrave(r|st)\b",
    "fix, correct": r"\bmend(s|ed|ing)?\b|slips? of the pen",
    "known in advance": r"known ahead",
    "the last forecast, the previous forecast": r"the forecast before",
    "rollback": r"the way back",
    "not found, missing": r"\bnot there\.",
    "the first … is kept": r"who was first",
    "outcome": r"what became of|what came in and",
    "per": r"requests a minute|pipelines?.{0,40}, one a workspace|one row a time",
    "too low, too high": r"lean to one side",
    "unacknowledged": r"nobody has seen|seen yet",
    "stopped, on shutdown": r"told to stop",
    "skipped": r"is not done again",
    "calls every endpoint": r"walks (the API|every)",
    "not modified": r"has it already",
    "it has changed since you read it": r"was changed since it was read",
    "update preview": r"look again",
    "detected automatically": r"found (out )?by itself",
    "authentication": r"who may come in",
    "request middleware": r"around every request",
    "something went wrong": r"that did not work",
    "based on actuals up to": r"by the values up to",
    "partial": r"half of one",
    "import rules": r"walls between",
    "file layout": r"what lies where",
    "if the data cannot answer, it says so": r"is said so",
}


def pages() -> list[str]:
    """Tracked files with text, by path."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    if not listed:  # unpacked without its history
        listed = [
            path.relative_to(ROOT).as_posix() for top in FOLDERS for path in (ROOT / top).rglob("*") if path.is_file()
        ]
    assert len(listed) > 100
    return [name for name in listed if name.endswith(KINDS) and not name.startswith(QUOTES)]


@pytest.mark.parametrize("better", RETIRED)
def test_a_retired_phrase_is_not_used(better: str) -> None:
    """Its replacement is the name of the case."""
    phrase = re.compile(RETIRED[better], re.IGNORECASE)
    used = [
        f"{name}:{number}: {line.strip()[:100]}"
        for name in pages()
        for number, line in enumerate((ROOT / name).read_text(encoding="utf-8").splitlines(), 1)
        if phrase.search(line)
    ]
    assert used == []
