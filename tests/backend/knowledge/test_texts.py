"""What people send, as text: markdown, plain text and PDF, right, wrong and hostile."""

import io
import sys

import pytest
from pypdf import PdfWriter

from backend.knowledge import pdf, texts
from backend.knowledge.chunks import PAGE
from pipelines.core.errors import DataError
from tests.support.pdfs import make


def test_text_stays_as_it_is() -> None:
    """In any script, with its line ends made one kind."""
    assert texts.read("# Größe ☃\r\nzwei\rdrei\n".encode()) == ("# Größe ☃\nzwei\ndrei\n", "text")


@pytest.mark.parametrize("hidden", ["\x00", "\x1b[31m", "\u202e", "\u200b", "\ufeff", "\U000e0041", "\x85", PAGE])
def test_what_cannot_be_seen_is_taken_out(hidden: str) -> None:
    """Control characters, directions and letters that hide: what a person reads is what is searched."""
    found, _ = texts.read(f"plain{hidden}text".encode())
    assert found in ("plaintext", "plain\ntext", "plain[31mtext")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no text"),
        (b" \n\t ", "no text"),
        (b"caf\xe9", "at byte 3"),
        (b"\xff\xfeh\x00i\x00", "Save it as UTF-8"),
        (b"x" * (texts.MAX_CHARACTERS + 1), "1,000,001 characters"),
        (b"%PDF-1.7 and nothing more", "damaged"),
        (b"%PDF-", "damaged"),
    ],
)
def test_what_cannot_be_read_is_told_with_the_remedy(content: bytes, message: str) -> None:
    """One sentence on what is wrong, one on what helps."""
    with pytest.raises(DataError, match=message) as caught:
        texts.read(content)
    assert "Traceback" not in str(caught.value)


def test_a_pdf_is_read_page_by_page() -> None:
    """By its content, whatever it is called."""
    assert texts.read(make("Promotion policy", "Second page")) == (f"Promotion policy{PAGE}Second page", "pdf")


def test_pdfs_that_cannot_be_read_say_why() -> None:
    """No text, a password, too many pages, too much text."""
    with pytest.raises(DataError, match="pictures of text"):
        texts.read(make(""))
    secret = PdfWriter(clone_from=io.BytesIO(make("secret")))
    secret.encrypt("password", algorithm="RC4-128")
    written = io.BytesIO()
    secret.write(written)
    with pytest.raises(DataError, match="encrypted"):
        texts.read(written.getvalue())
    with pytest.raises(DataError, match="501 pages"):
        texts.read(make(*["page"] * (pdf.MAX_PAGES + 1)))
    assert "more than 10 characters" in str(pdf.read(make("a page with some text"), 10)["error"])


def test_a_pdf_cannot_take_all_the_time_and_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    """The process that reads it is ended, and that is told."""
    monkeypatch.setattr(texts, "_PATIENCE", 0.01)
    with pytest.raises(DataError, match="more time or memory"):
        texts.read(make("slow"))
    monkeypatch.setattr(texts, "_PATIENCE", 60)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(DataError, match="more time or memory"):
        texts.read(make("crashing"))
