"""Texts in pieces: a piece is a section below its heading, or a part of one that is too long. None is changed by a byte."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pipelines.core.names import printable

LONGEST = 1_200  # characters of a chunk: about what a small embedding model reads
PAGE = "\f"  # between the pages of a document; no text has one of its own

_SEPARATOR = " › "
_HEADING = re.compile(r" {0,3}(#{1,6})(?=[ \t]|$)")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
# Where a section that is too long may be cut, the best place first: paragraphs, lines, sentences, words.
_CUTS = tuple(re.compile(pattern) for pattern in (r"\n[ \t]*\n", r"\n", r"(?<=[.!?])\s", r"\s"))


@dataclass(frozen=True)
class Chunk:
    """`text` is `source[start:end]`; `heading` is the path of the headings above it, or the page."""

    heading: str
    text: str
    start: int
    end: int


def chunks(text: str) -> list[Chunk]:
    """The chunks of a text in order: none overlap, and only white space lies between them."""
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
    """The path, start and end of each section. A heading with nothing below it belongs to the section that follows."""
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
    """What stands behind the signs of a heading, without those that close it."""
    title = rest.strip()
    bare = title.rstrip("#")
    return bare.rstrip() if not bare or bare[-1].isspace() else title


def _parts(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """A section without the white space around it, cut where it is longer than a chunk may be."""
    while start < end and text[end - 1].isspace():
        end -= 1
    while start < end:
        while text[start].isspace():
            start += 1
        stop = end if end - start <= LONGEST else _cut(text, start, start + LONGEST)
        yield start, start + len(text[start:stop].rstrip())
        start = stop


def _cut(text: str, start: int, end: int) -> int:
    """The last good place to cut before `end`, not too near to `start`; `end` itself where there is none."""
    for pattern in _CUTS:
        places = [match.end() for match in pattern.finditer(text, start + LONGEST // 4, end)]
        if places:
            return places[-1]
    return end
