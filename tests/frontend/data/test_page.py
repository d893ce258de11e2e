"""The page Data: its views."""

import pytest

from tests.frontend.conftest import Open


@pytest.mark.parametrize("view", ["Checks", "Rejected rows", "Series"])
def test_every_view_of_the_data_opens_by_its_link(open_page: Open, view: str) -> None:
    """Checks, what was rejected, and the profiles."""
    app = open_page("data", workspace="shop", view=view)
    assert not app.exception
    assert not app.error
