"""An answer as a page shows it: what is said is kept, facts stand where they stood, and nothing is markup."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.copilot import render
from frontend.copilot import answers
from frontend.core import words

# What series are called, and what drafts hold, at its worst.
TEXTS = st.text(st.characters(codec="utf-8") | st.sampled_from("\\*_[]()!<>#$:`~&{}@|.- \n"), max_size=40)
HOSTILE = ["![x](http://evil.test/x.png)", "<script>alert(1)</script>", "$x$", ":red[x]", "**b**", "\\", "- x", "\\*a"]


def fact(**changed: object) -> answers.Json:
    return {
        "id": "f1", "label": "total of the forecast", "text": "1,234 pieces", "value": 1234.5, "unit": "pieces",
        "unique_id": None, "about": [], "period": "", "source": "forecasts/x/forecasts.parquet", "how": "", **changed,
    }  # fmt: skip


def written(parts: list[tuple[str, bool]]) -> tuple[str, list[answers.Json]]:
    """An explanation of texts, as the service escapes them, and the spans of those that are facts."""
    text, spans = "", []
    for place, (part, is_fact) in enumerate(parts):
        escaped = render.escape(part)
        if is_fact and escaped:
            spans.append({"start": len(text), "end": len(text) + len(escaped), "fact": f"f{place}"})
        text += escaped
    return text, spans


@given(st.lists(st.tuples(TEXTS, st.booleans()), max_size=6))
def test_the_pieces_are_the_explanation(parts: list[tuple[str, bool]]) -> None:
    """Joined they are the text before it was escaped, and each fact is one piece with all of its characters."""
    found = answers.pieces(*written(parts))
    assert "".join(one.text for one in found) == "".join(text for text, _ in parts)
    facts = {one.fact: one.text for one in found if one.fact}
    assert facts == {f"f{place}": text for place, (text, is_fact) in enumerate(parts) if is_fact and text}


@given(st.lists(st.tuples(TEXTS, st.booleans()), max_size=6))
def test_no_block_loses_a_word_or_a_fact(parts: list[tuple[str, bool]]) -> None:
    """Of what is said only breaks of lines and marks of lists go; facts keep their order."""
    explanation, spans = written(parts)
    found = [piece for block in answers.blocks(explanation, spans) for piece in block.pieces]
    facts = [f"f{place}" for place, (text, is_fact) in enumerate(parts) if is_fact and text.strip()]
    assert [one.fact for one in found if one.fact and one.text.strip()] == facts
    gone = str.maketrans("", "", "-*•")
    said = "".join("".join(text for text, _ in parts).split()).translate(gone)
    assert "".join("".join(one.text for one in found).split()).translate(gone) == said


@given(st.text("ab*\\ \n", max_size=30), st.lists(st.tuples(st.integers(-5, 35), st.integers(-5, 35)), max_size=4))
def test_whatever_comes_is_shown(explanation: str, ends: list[tuple[int, int]]) -> None:
    """Spans that overlap, are empty or lie outside lose no letter."""
    spans = [{"start": start, "end": end, "fact": "f1"} for start, end in ends]
    said = "".join(one.text for one in answers.pieces(explanation, spans))
    assert [letter for letter in said if letter in "ab"] == [letter for letter in explanation if letter in "ab"]


def test_paragraphs_items_and_bold_are_read() -> None:
    """As the service writes them; bold may hold a fact, a lonely mark is text, and a line that goes on goes on."""
    text = "Sales **rise by 4 %**\nagain.\n\n- one: 5\n- two\\*\n\nA ** lonely"
    spans = [
        {"start": 16, "end": 19, "fact": "f1"},
        {"start": text.index("5"), "end": text.index("5") + 1, "fact": "f2"},
    ]
    found = answers.blocks(text, spans)
    assert [(one.item, "".join(piece.text for piece in one.pieces)) for one in found] == [
        (False, "Sales rise by 4 % again."), (True, "one: 5"), (True, "two*"), (False, "A ** lonely"),
    ]  # fmt: skip
    assert answers.Piece("4 %", "f1", bold=True) in found[0].pieces
    assert answers.Piece("5", "f2") in found[1].pieces


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_text(name: str) -> None:
    """In prose and as a fact, whatever it would be in markdown."""
    (piece,) = answers.pieces(*written([(name, True)]))
    assert piece == answers.Piece(name, "f0")
    (block,) = answers.blocks(*written([("See ", False), (name, True)]))
    assert [one.text for one in block.pieces] == ["See ", name]
    assert answers.plain(render.escape(name)) == name


@pytest.mark.parametrize("name", HOSTILE)
def test_a_label_shows_exactly_a_name(name: str) -> None:
    """Every mark in it is escaped; undone, it is the name."""
    label = words.literal(name).replace("\u2060", "")
    assert answers.plain(label) == name
    assert "http://" not in words.literal(name)
    assert words.badge(name) == f":gray-badge[{words.literal(name)}]"


def test_a_card_says_where_a_number_comes_from() -> None:
    """Value, unit, period, source, and how it was made of others, by their labels."""
    other = fact(id="f2", label="total of the last period", text="1,000 pieces")
    found = answers.card(
        fact(period="2024-01-01/2024-01-07", how="difference of f1, f2, f9", unique_id="Ash/tea", about=["Ash/tea"]),
        {"f1": fact(), "f2": other},
    )
    rows = dict(found["rows"])
    assert rows["Value"] == "1,234 pieces"
    assert rows["Exactly"] == "1,234.5"
    assert rows["Unit"] == "pieces"
    assert rows["About"] == "Ash/tea"
    assert rows["Period"] == "Mon 1 Jan 2024 to Sun 7 Jan 2024"
    assert rows["Source"] == "forecasts/x/forecasts.parquet"
    made_of = "total of the forecast (1,234 pieces), total of the last period (1,000 pieces), f9"
    assert rows["Calculated"] == f"difference of {made_of}"
    assert found["opens"] == "Open the forecast of this series"


@pytest.mark.parametrize(
    ("changed", "page"),
    [
        ({"unique_id": "Ash/tea", "source": "runs/x/metrics.parquet"}, "forecast"),
        ({"source": "runs/x/metrics.parquet"}, "accuracy"),
        ({"source": "monitoring/x/summary.json"}, "monitoring"),
        ({"source": "data/x/quality.json"}, "data"),
        ({"source": "forecasts/x/forecasts.parquet"}, "portfolio"),
        ({"source": "calculated"}, ""),
    ],
)
def test_a_fact_leads_to_the_page_that_shows_it(changed: dict[str, str], page: str) -> None:
    """By its series, else by its source; what was calculated leads nowhere."""
    assert answers.page(fact(**changed)) == page
    assert bool(answers.card(fact(**changed), {})["opens"]) == bool(page)


@pytest.mark.parametrize(
    ("stamps", "said"),
    [
        ("", ""),
        ("2024-01-01", "Mon 1 Jan 2024"),
        ("2024-01-01/2024-01-01", "Mon 1 Jan 2024"),
        ("2024-01-01/2024-01-07 at 80 %", "2024-01-01/2024-01-07 at 80 %"),
    ],
)
def test_a_period_is_said_in_dates(stamps: str, said: str) -> None:
    """What is no date stays as it is."""
    assert answers.period(stamps) == said
