"""The vocabulary of questions: stems, and typos that have one correction."""

import pytest

from backend.copilot.offline import vocabulary


@pytest.mark.parametrize(
    "word", ["forecast", "forecasts", "forecasting", "dropped", "dropping", "categories", "largest", "seasonal", "why"]
)
def test_inflected_words_are_known_by_their_stems(word: str) -> None:
    """An ending does not make a listed word unknown."""
    assert vocabulary.is_known(word)


@pytest.mark.parametrize("word", ["weather", "bitcoin", "elephant", "xyzzy", "rain"])
def test_words_that_are_not_about_forecasts_are_unknown(word: str) -> None:
    """Words about things that no workspace holds are not in the vocabulary."""
    assert not vocabulary.is_known(word)


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("forcast", "forecast"),  # one letter missing
        ("forecasst", "forecast"),  # one too many
        ("horozon", "horizon"),  # one replaced
        ("accruacy", "accuracy"),  # two swapped
        ("seasonalty", "seasonality"),
        ("xyzzy", None),
        ("orecast", None),  # the first letter is never corrected
    ],
)
def test_a_typo_has_one_correction_or_none(word: str, meant: str | None) -> None:
    """One error is corrected, two in a long word."""
    assert vocabulary.near(word, vocabulary.subjects()) == meant


def test_a_typo_of_two_words_is_not_guessed() -> None:
    """If two different words are equally close, none is taken; two forms of one word are no tie."""
    assert vocabulary.near("leeda", ("leedb", "leedc")) is None
    assert vocabulary.near("forecass", ("forecast", "forecasts")) == "forecast"
