"""The upload form names what a problem is about as the form itself does."""

from frontend.data import uploads
from pipelines.forecasting import preview


def test_every_field_that_a_problem_may_name_has_the_label_of_the_form() -> None:
    """A problem of `ds` is shown under "Time", as the box to correct is called."""
    fields = {*preview._PARAMETERS.values(), *preview._FIELD_OF_CHECK.values(), "file", "settings"}
    assert fields <= set(uploads._LABELS)
    assert uploads._LABELS["ds"] == "Time"
