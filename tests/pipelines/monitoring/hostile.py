"""Names and texts that are markup, scripts, templates or no line at all, and reports on data that hold them."""

import numpy as np
import pandas as pd
import pytest

from pipelines.forecasting.monitoring import page, report

AWAY = "http://elsewhere.test/"
DONE = "document.title='owned';top.document.title='owned'"
TEXTS = (
    f"</script><script>{DONE}</script>",
    f'"><img src={AWAY} onerror="{DONE}">',
    f"' onmouseover={DONE} x='",
    f'<a href="{AWAY}">x</a><style>@import "{AWAY}";</style>',
    f"<!--<script>{DONE}//",
    f"{{{{7*7}}}}${{{DONE}}}%{{x}}",
    f"a\u2028{DONE}\u2029b\u202e\ud800",
    "x" * 50_000,
)


def data(rows: int, seed: int) -> pd.DataFrame:
    """Forecasts, a number called by each of the texts, and a column of them."""
    rng = np.random.default_rng(seed)
    numbers = {name: rng.normal(size=rows) for name in ("y", "y_hat", *TEXTS)}
    return pd.DataFrame({**numbers, "kind": rng.choice(TEXTS, rows)})


def rendered() -> str:
    """The report on such data."""
    return report.render(data(120, 1), data(120, 2), ["y", *TEXTS, "kind"])


def stored_before() -> str:
    """The same as the last release stored it: Evidently's page as it is, with the names as they are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, "_without_markup", lambda *tables: list(tables))
        patch.setattr(page, "rebuilt", lambda html, library: html)

        return rendered()


def evidently(name: str = "y", **params: object) -> str:
    """A page as Evidently writes it, of one widget."""
    from evidently.legacy.model.dashboard import DashboardInfo
    from evidently.legacy.model.widget import BaseWidgetInfo
    from evidently.legacy.utils.dashboard import TemplateParams, file_html_template

    widget = BaseWidgetInfo(type="counter", title=name, size=2, params=params)
    info = DashboardInfo(name="Report", widgets=[widget])
    return file_html_template(TemplateParams("metric_0", info, {name: {"value": name}}))
