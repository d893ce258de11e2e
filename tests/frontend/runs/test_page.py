"""The page Runs."""

from tests.frontend.conftest import Open
from tests.support.pages import texts
from tests.support.site import Site


def test_runs_are_listed_with_what_went_wrong(open_page: Open, site: Site) -> None:
    """The production run first among what is said, the failed one with its reason."""
    app = open_page("runs", workspace="shop")
    table = app.dataframe[0].value.set_index("run")
    assert set(table.index) == {site.first, site.second, site.failed}
    assert table.loc[site.failed, "what went wrong"] == "no luck"
    assert f"In production: {site.second}" in texts(app)
    assert f"Roll back to {site.first}" in [button.label for button in app.button]
