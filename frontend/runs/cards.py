"""The card of a run as Markdown that a page can show: its headings, lists and tables, and all else as text.

A card is written without escapes, for people and for search; series, titles and models are in it as they are called.
"""

import re

from frontend.core import words

_HEADING = re.compile(r"(#{1,4}) (.*)")
_RULE = re.compile(r"\|(?:\s*:?-{3,}:?\s*\|)+")
_BAR = re.compile(r"(?<!\\)\|")  # between two cells


def neutral(card: str, smaller: int = 0) -> words.Markdown:
    """The card without any markup but its own; its headings are `smaller` by so many levels."""
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
