"""Text from the data stays text: names that would be links, pictures, icons, formulas or tags if a page let them."""

import html
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from frontend.core import theme, words
from frontend.runs import cards
from tests.frontend import escaping
from tests.frontend.conftest import ROOT

MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
SIGNS = "\\`*_[]()<>#!|~$:@&{}-+=.,/wW \n\t0129ab\"'^%?;https" + "\u2060\u202e"
# What Streamlit reads besides: directives, short codes, formulas, addresses without brackets, arrows.
WIDER = re.compile(
    r":[a-z][a-z0-9-]*\[|:[a-z0-9_+-]+:|:material/|https?://|www\.|[\w.+-]@|(?<!\S)(<->|->|<-|--|>=|<=|~=)(?!\S)",
    re.IGNORECASE,
)
FORMULA = re.compile(r"(?<!\\)(\\\\)*\$")  # a sign of money that is not escaped


def shown(markdown: str) -> str:
    """The text of Markdown; fails where there is anything in it but text."""
    assert not FORMULA.search(markdown), markdown
    said = []
    for token in MARKDOWN.parse(markdown):
        assert token.type in ("paragraph_open", "paragraph_close", "inline"), f"{token.type} in {markdown!r}"
        for part in token.children or []:
            assert part.type in ("text", "text_special", "hardbreak"), f"{part.type} in {markdown!r}"
            said.append(part.content or " ")
    text = "".join(said)
    assert not WIDER.search(text), f"{WIDER.search(text)} in {markdown!r}"
    return " ".join(text.replace("\u2060", "").split())


def plain(text: str) -> str:
    """A text as a page can show it: on one line."""
    return " ".join(text.replace("\u2060", "").split())


@pytest.mark.parametrize(
    "text",
    [
        "![x](http://evil.test/x.png)",
        "[a](//evil.test)",
        "<img src=//evil.test>",
        "www.evil.test",
        "WWW.evil.test",
        "https://evil.test",
        "me@evil.test",
        "$x$",
        "$$\\href{http://evil.test}{x}$$",
        ":red[x]",
        ":material/home:",
        ":tada:",
        "**b**",
        "`c`",
        "~~s~~",
        "# h",
        "- item",
        "+ item",
        "12. item",
        "3) item",
        "---",
        "===",
        "    code",
        "a\n\n# b",
        "a -- b -> c >= d",
        "&lt;b&gt;",
        "&#60;b&#62;",
        "\\",
        "\\[a](b)",
        "| a | b |",
        "[^1]",
        "<http://evil.test>",
        "\x00\x1b[31m",
        "",
    ],
)
def test_a_text_is_shown_as_it_is(text: str) -> None:
    """In Markdown by itself, inside bold, and as a badge; in a figure too."""
    assert shown(words.literal(text)).replace("\ufffd", "\x00") == plain(text)
    assert "text" in [part.type for part in MARKDOWN.parseInline(f"**{words.literal(text)}**")[0].children or []]
    assert words.badge(text, "red") == f":red-badge[{words.literal(text)}]"
    assert html.unescape(theme.drawn(text)) == plain(text)


@given(st.text(st.sampled_from(SIGNS), max_size=40))
def test_no_text_is_markup(text: str) -> None:
    """Whatever signs it is made of."""
    assert shown(words.literal(text)) == plain(text)
    assert not set("<>{$") & set(theme.drawn(text))
    assert html.unescape(theme.drawn(text)) == " ".join(text.split())


@given(st.lists(st.text(st.sampled_from(SIGNS), max_size=20), max_size=4))
def test_a_message_of_several_lines_is_no_markup(texts: list[str]) -> None:
    """A line cannot make a heading of the one before it."""
    text = "\n".join(texts)
    assert shown(words.lines(text)) == plain(text)


@given(st.text(max_size=300))
def test_a_file_has_a_name_that_every_system_takes(text: str) -> None:
    """No folder, nothing unseen, not hidden, of bounded length, and with its ending."""
    name = words.file_name(text, ending="csv")
    assert re.fullmatch(r"[^\W.-][\w.-]{0,79}\.csv|_[\w.-]*\.csv", name)
    assert words.file_name("forecast", "Ash/tea", ending="csv") == "forecast-Ash-tea.csv"


def test_a_card_keeps_its_shape_and_nothing_else() -> None:
    """Headings, lists and tables stay; what is written in them is text, as in cards of earlier releases."""
    evil = "![x](http://evil.test) <b> www.evil.test"
    card = f"# Run {evil}\n\n{evil}: 3 series.\n\n- {evil}\n\n| {evil} | b\\|c |\n| --- | --- |\n| {evil} | 1 |\n"
    neutral = cards.neutral(card, smaller=2)
    kinds = {token.type.removesuffix("_open") for token in MARKDOWN.parse(neutral) if token.type.endswith("_open")}
    assert kinds == {"heading", "paragraph", "bullet_list", "list_item", "table", "thead", "tbody", "tr", "th", "td"}
    inlines = [token for token in MARKDOWN.parse(neutral) if token.type == "inline"]
    assert all(part.type == "text" for token in inlines for part in token.children or [])
    texts = ["".join(part.content for part in token.children or []).replace("\u2060", "") for token in inlines]
    assert texts == [f"Run {evil}", f"{evil}: 3 series.", evil, evil, "b|c", evil, "1"]
    assert not WIDER.search(neutral)


def test_all_that_is_data_is_escaped_where_it_is_shown() -> None:
    """In each label, message, heading, tooltip and figure: constants, numbers, and what escaping functions return."""
    assert list(escaping.unescaped(escaping.modules(ROOT / "frontend"))) == []


@pytest.mark.parametrize(
    ("code", "is_safe"),
    [
        ("st.caption(f'{words.literal(name)}: {count:,}')", True),
        ("st.caption('a' if name else words.day(ds))", True),
        ("st.caption(f'{name}')", False),
        ("st.caption(name)", False),
        ("left.metric('a', words.number(value, unit))", False),
        ("st.button('a', help=name)", False),
        ("st.badge(words.literal(name))", False),
        ("st.pills('a', names)", False),
        ("text = name\n    st.markdown(text)", False),
        ("for one in names:\n        st.markdown(one)", False),
    ],
)
def test_what_is_not_escaped_is_found(tmp_path: Path, code: str, is_safe: bool) -> None:
    """The reader of the source sees through names, loops and choices."""
    path = ROOT / "frontend/core/words.py"
    (tmp_path / "words.py").write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "page.py").write_text(f"def page(name, names, count, value, unit, ds):\n    {code}\n")
    found = list(escaping.unescaped(escaping.modules(tmp_path)))
    assert (found == []) is is_safe
