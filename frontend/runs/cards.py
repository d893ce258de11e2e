"""Run card as safe Markdown: its headings, lists and tables are kept, everything else becomes text.

A card is written without escapes, for people and for search, and contains names of series, titles and models verbatim.
"""

import re

from frontend.core import words

_HEADING = re.compile(r"(#{1,4}) (.*)")
_RULE = re.compile(r"\|(?:\s*:?-{3,}:?\s*\|)+")
_BAR = re.compile(r"(?<!\\)\|")  # between two cells


def neutral(card: str, smaller: int = 0) -> words.Markdown:
    """The card without any markup but its own; its headings are `smaller` levels lower."""
    return "\n".join(_line(line, smaller) for line in card.splitlines())


def _line(line: str, smaller: int) -> words.Markdown:
    if heading := _HEADING.fullmatch(line):
        return f"{'#' * smaller}{heading[1]} {words.literal(heading[2])}"
    if line.startswith("- "):
        return f"- {words.literal(line[2:])}"
    if _RULE.fullmatch(line.strip()):
        return line.strip()
    if line.startswith("|"):
        return " | ".join(words.literal(_plain(cell)) for cell in _BAR.split(line))
    return words.literal(line)


def _plain(cell: str) -> str:
    return cell.replace("\\|", "|").replace("\\\\", "\\")
