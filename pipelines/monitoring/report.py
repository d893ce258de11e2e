"""The whole workspace as one page of HTML by Evidently: drift of each feature, and the quality of the forecasts."""

import importlib.util
import os
from collections.abc import Sequence

import numpy as np
import pandas as pd

from pipelines.panel import Panel
from pipelines.schema import DS, KEY, Y_HAT, Y

_SEED = 7  # the same data give the same page


def evidently_installed() -> bool:
    """Whether Evidently is there: the image of the API has the rest of monitoring, and does without this page."""
    return importlib.util.find_spec("evidently") is not None


def render(reference: pd.DataFrame, current: pd.DataFrame, features: Sequence[str]) -> str:
    """A page that needs no network. Both: `features`, and `y, y_hat` where there is a forecast.

    PSI by Evidently's own bins of both samples together, without regard to their size: a second opinion on `drift.py`.
    """
    os.environ["DO_NOT_TRACK"] = "1"  # before the import: it would call home
    from evidently import DataDefinition, Dataset, Regression, Report  # 8 s, 300 MB
    from evidently.presets import DataDriftPreset, RegressionPreset

    kept = [name for name in features if reference[name].notna().any() and current[name].notna().any()]
    numeric = [name for name in kept if pd.api.types.is_numeric_dtype(reference[name])]
    judged = Y_HAT in reference and reference[Y_HAT].notna().any() and current[Y_HAT].notna().any()
    definition = DataDefinition(
        numerical_columns=[*numeric, *([Y_HAT] if judged else [])],
        categorical_columns=[name for name in kept if name not in numeric],
        regression=[Regression(target=Y, prediction=Y_HAT)] if judged else None,
    )
    metrics = [DataDriftPreset(columns=kept, num_method="psi", cat_method="psi")]
    columns = [*kept, *([Y_HAT] if judged else [])]
    with np.errstate(all="ignore"):
        snapshot = Report([*metrics, *([RegressionPreset()] if judged else [])]).run(
            current_data=Dataset.from_pandas(current[columns], definition),
            reference_data=Dataset.from_pandas(reference[columns], definition),
        )
    return str(snapshot.get_html_str(as_iframe=False))


def samples(
    panel: Panel, before: pd.DataFrame, since: pd.DataFrame, window: int, rows: int
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """What `render` takes: at most `rows` steps of the time before the newest `window` steps, and of these.

    `before`, `since`: `unique_id, ds, y_hat` of the backtest and of the forecast sets. Where there are forecasts, only steps
    that have one are taken.
    """
    features = [Y, *panel.future, *panel.past]
    grid = np.sort(panel.history[DS].unique())
    now = panel.history[DS] > grid[-min(window, len(grid) - 1) - 1]
    found = []
    for part, said in ((panel.history[~now], before), (panel.history[now], since)):
        steps = part[part[Y].notna()].merge(said.drop_duplicates(KEY, keep="last"), on=KEY, how="left")
        told = steps[steps[Y_HAT].notna()]
        steps = told if len(told) else steps
        found.append(steps.sample(min(rows, len(steps)), random_state=_SEED)[[*features, Y_HAT]])
    return found[0], found[1], features
