"""Splits texts into chunks: a section with its heading, or a part of a section that is too long. Chunks are exact
substrings.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pipelines.core.names import printable

LONGEST = 1_200  # characters per chunk: about the input limit of a small embedding model
PAGE = "\f"  # separates the pages of a document; never occurs in other texts

_SEPARATOR = " › "
_HEADING = re.compile(r" {0,3}(#{1,6})(?=[ \t]|$)")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
# Where to cut a section that is too long, best first: paragraphs, lines, sentences, words.
_CUTS = tuple(re.compile(pattern) for pattern in (r"\n[ \t]*\n", r"\n", r"(?<=[.!?])\s", r"\s"))


@dataclass(frozen=True)
class Chunk:
    """`text` is `source[start:end]`; `heading` is the path of headings above it, or the page."""

    heading: str
    text: str
    start: int
    end: int


def chunks(text: str) -> list[Chunk]:
    """The chunks of a text in order, without overlaps; only white space lies between them."""
    sections = _pages(text) if PAGE in text else _sections(text)
    return [
        Chunk(heading, text[low:high], low, high)
        for heading, start, end in sections
        for low, high in _parts(text, start, end)
    ]


def _pages(text: str) -> Iterator[tuple[str, int, int]]:
    """Each page with its start and end."""
    start = 0
    for number, page in enumerate(text.split(PAGE), start=1):
        yield f"page {number}", start, start + len(page)
        start += len(page) + len(PAGE)


def _sections(text: str) -> Iterator[tuple[str, int, int]]:
    """The heading path, start and end of each section. A heading with nothing below it belongs to the next section."""
    path: dict[int, str] = {}
    start, empty, fence, at = 0, True, "", 0
    for line in text.split("\n"):
        heading = None if fence else _HEADING.match(line)
        if opened := _FENCE.match(line):
            if not fence:
                fence = opened[1]
            elif opened[1].startswith(fence):
                fence = ""
        if heading:
            if not empty:
                yield _SEPARATOR.join(path.values()), start, at
                start, empty = at, True
            level = len(heading[1])
            title = {level: printable(_title(line[heading.end() :]), 120)}
            path = {above: name for above, name in path.items() if above < level} | title
        elif line.strip():
            empty = False
        at += len(line) + 1
    yield _SEPARATOR.join(path.values()), start, len(text)


def _title(rest: str) -> str:
    """The text of a heading, without its leading and closing markers."""
    title = rest.strip()
    bare = title.rstrip("#")
    return bare.rstrip() if not bare or bare[-1].isspace() else title


def _parts(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """A section without surrounding white space, cut where it exceeds the length of a chunk."""
    while start < end and text[end - 1].isspace():
        end -= 1
    while start < end:
        while text[start].isspace():
            start += 1
        stop = end if end - start <= LONGEST else _cut(text, start, start + LONGEST)
        yield start, start + len(text[start:stop].rstrip())
        start = stop


def _cut(text: str, start: int, end: int) -> int:
    """The last suitable place to cut before `end`, not too close to `start`; `end` if there is none."""
    for pattern in _CUTS:
        places = [match.end() for match in pattern.finditer(text, start + LONGEST // 4, end)]
        if places:
            return places[-1]
    return end
