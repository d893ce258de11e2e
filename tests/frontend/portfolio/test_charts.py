"""The picture of the page Portfolio."""

from frontend.core.frames import frame
from frontend.core.theme import BLUE, GREY, PURPLE
from frontend.portfolio import charts


def test_the_totals_are_a_row_a_value_and_a_line_only_where_there_are_any() -> None:
    """Without an earlier forecast there is no line of it, nor a word in the legend; each value says what it is."""
    points = frame(
        [
            {"ds": "2024-01-01", "y": 5.0, "y_hat": None, "last_year": None, "previous": None},
            {"ds": "2024-01-02", "y": None, "y_hat": 6.0, "last_year": 4.0, "previous": None},
        ]
    )
    rows = charts.rows(points)
    assert rows[["line", "value", "told"]].to_numpy().tolist() == [
        ["last year", 4.0, "Tue 2 Jan 2024, a year before"],
        ["actual", 5.0, "Mon 1 Jan 2024, came"],
        ["forecast", 6.0, "Tue 2 Jan 2024, expected"],
    ]
    colour = charts.spec(rows, "pieces")["encoding"]["color"]["scale"]
    assert list(zip(colour["domain"], colour["range"], strict=True)) == [
        ("last year", PURPLE), ("actual", GREY), ("forecast", BLUE)
    ]  # fmt: skip
