"""Uploaded bytes as text: markdown and plain text unchanged, PDF page by page."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Literal

from backend.knowledge import pdf
from backend.knowledge.chunks import PAGE
from pipelines.core.errors import DataError

MAX_CHARACTERS = 1_000_000  # per text
Format = Literal["text", "pdf"]

_PDF = b"%PDF-"
_PATIENCE = 60.0  # seconds for the process that reads a PDF
_BREAKS = re.compile("\r\n|[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
# Control characters and invisible ones, which can reverse the direction of text or hide some.
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e0fff]"
)


def read(content: bytes) -> tuple[str, Format]:
    """The text without invisible characters, and its format, detected from the content regardless of the name.

    DataError says what is wrong and how to fix it.
    """
    if content.startswith(_PDF):
        return _of_pdf(content), "pdf"
    try:
        text = clean(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise DataError(
            f"The text is no UTF-8 (at byte {error.start:,}), nor a PDF",
            code="not_utf8",
            found=error.start,
            remedy="Save it as UTF-8 or send a PDF.",
        ) from None
    return _usable(text), "text"


def clean(text: str) -> str:
    """The text with uniform line ends, and without control and invisible characters."""
    return _UNSEEN.sub("", _BREAKS.sub("\n", text))


def _of_pdf(content: bytes) -> str:
    command = [sys.executable, str(Path(pdf.__file__)), str(MAX_CHARACTERS)]
    try:
        done = subprocess.run(command, input=content, capture_output=True, timeout=_PATIENCE, check=True)  # noqa: S603 - our own file
        answer = json.loads(done.stdout)
    except (subprocess.SubprocessError, ValueError):
        raise DataError(
            "The PDF takes more time or memory to read than it may",
            code="unreadable_pdf",
            remedy="Save it again, or send its text.",
        ) from None
    if "error" in answer:
        raise DataError(**answer["error"])
    return _usable(PAGE.join(clean(page) for page in answer["pages"]), "It may hold pictures of text: send the text.")


def _usable(text: str, hint: str = "Send some.") -> str:
    if not text.strip():
        raise DataError("There is no text in it", code="no_text", remedy=hint)
    if len(text) > MAX_CHARACTERS:
        raise DataError(
            f"The text has {len(text):,} characters; {MAX_CHARACTERS:,} may be kept",
            code="text_too_long",
            found=len(text),
            remedy="Send the part that matters.",
        )
    return text
