"""Chunks: parts of a text by heading, none of them changed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.knowledge.chunks import LONGEST, PAGE, Chunk, chunks

MARKED = st.lists(
    st.sampled_from(
        [
            "# One\n",
            "## Two ##\n",
            "#none\n",
            "```\n",
            "~~~~\n",
            "\n",
            "\n\n",
            "word ",
            "A sentence. ",
            "| a | b |\n",
            "Ünï ☃\n",
            PAGE,
        ]
    )
    | st.text(max_size=40),
    max_size=60,
).map("".join)


@given(MARKED | st.integers(1, 4000).map(lambda n: "x" * n) | st.integers(1, 900).map(lambda n: "word. " * n))
def test_chunks_are_the_text_and_nothing_is_lost(text: str) -> None:
    """Each is byte-identical to its span, none is too long, they follow each other, and only white space lies between."""
    at = 0
    for one in chunks(text):
        assert one.text == text[one.start : one.end]
        assert one.text.encode() in text.encode()
        assert 0 < len(one.text) <= LONGEST
        assert one.text == one.text.strip()
        assert one.start >= at
        assert not text[at : one.start].strip()
        at = one.end
    assert not text[at:].strip()


def test_a_section_is_a_chunk_below_the_path_of_its_headings() -> None:
    """A heading without text goes with what follows; a higher one ends the lower ones."""
    text = "# Run\n\n## Result\n\nGood.\n\n### Detail\nMore.\n## Notes ##\n\n- none\n"
    assert [(one.heading, one.text) for one in chunks(text)] == [
        ("Run › Result", "# Run\n\n## Result\n\nGood."),
        ("Run › Result › Detail", "### Detail\nMore."),
        ("Run › Notes", "## Notes ##\n\n- none"),
    ]


@pytest.mark.parametrize("fence", ["```", "~~~~"])
def test_code_has_no_headings(fence: str) -> None:
    """A comment in a shell is none, before and after the fence is closed by its like."""
    text = f"# Real\n{fence}sh\n# comment\n``\n{fence}\n# Next\ntext"
    assert [one.heading for one in chunks(text)] == ["Real", "Next"]


@pytest.mark.parametrize("line", ["#hash", "####### seven", "    # indented", "a # b"])
def test_what_only_looks_like_a_heading_is_text(line: str) -> None:
    """As in CommonMark."""
    assert [one.heading for one in chunks(f"{line}\ntext")] == [""]


def test_a_page_is_the_heading_of_what_stands_on_it() -> None:
    """Also where a line of it begins like a heading; empty pages count."""
    found = chunks(f"first{PAGE}{PAGE}# third")
    assert [(one.heading, one.text) for one in found] == [("page 1", "first"), ("page 3", "# third")]


def test_a_long_section_is_cut_between_paragraphs() -> None:
    """And lines, sentences and words, as far as there are any."""
    paragraph = "A sentence of some words. " * 16
    text = "\n\n".join([paragraph.strip()] * 6)
    found = chunks(text)
    assert len(found) == 3
    assert all(one.text.startswith("A sentence") and one.text.endswith("words.") for one in found)
    assert [len(one.text) for one in chunks("x" * (2 * LONGEST + 5))] == [LONGEST, LONGEST, 5]


def test_a_heading_of_any_length_takes_no_time() -> None:
    """A million signs in a line are neither a trap nor a path to be shown."""
    found = chunks("# " + " " * 500_000 + "#" * 500_000 + " x\ntext")
    assert max(len(one.heading) for one in found) <= 120
    assert isinstance(found[-1], Chunk)
