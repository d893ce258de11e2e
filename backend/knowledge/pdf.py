"""Extracts the text of a PDF in a separate process, because an untrusted file may take unlimited memory and time.

Run as a file, with the PDF on standard input. Prints JSON: `{"pages": [...]}` or `{"error": {"problem", "code",
"remedy"}}`. Imports no project modules.
"""

import io
import json
import logging
import resource
import sys

MAX_PAGES = 500
_SECONDS = 30  # seconds of CPU time
_MEMORY = 2**30  # bytes


def read(content: bytes, max_characters: int) -> dict[str, object]:
    """The text of each page, or an error for people."""
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        reader = PdfReader(io.BytesIO(content))
        if reader.is_encrypted:
            return _wrong("The PDF is encrypted", "pdf_encrypted", "Save it without a password.")
        if len(reader.pages) > MAX_PAGES:
            many = f"The PDF has {len(reader.pages):,} pages; {MAX_PAGES} may be read"
            return _wrong(many, "text_too_long", "Send the part that matters.")
        pages, characters = [], 0
        for page in reader.pages:
            pages.append(page.extract_text())
            characters += len(pages[-1])
            if characters > max_characters:
                many = f"The PDF holds more than {max_characters:,} characters"
                return _wrong(many, "text_too_long", "Send the part that matters.")
    except (
        PyPdfError,
        MemoryError,
        RecursionError,
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        AttributeError,
        OSError,
    ):
        damaged = "The PDF is damaged or was written in a way that cannot be read"
        return _wrong(damaged, "unreadable_pdf", "Save it again, or as text.")
    return {"pages": pages}


def _wrong(problem: str, code: str, remedy: str) -> dict[str, object]:
    return {"error": {"problem": problem, "code": code, "remedy": remedy}}


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    json.dump(read(sys.stdin.buffer.read(), int(sys.argv[1])), sys.stdout)
