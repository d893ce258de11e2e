"""HTML report on the whole workspace by Evidently: drift of each feature and forecast quality."""

import importlib.util
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from pipelines.forecasting.monitoring import page
from pipelines.forecasting.panel import Panel
from pipelines.tables.schema import DS, KEY, Y_HAT, Y

_SEED = 7  # equal data give an equal page
_LONGEST = 80  # characters of a name
# Replaces markup and template characters by look-alikes in common fonts that pages, libraries and scripts ignore.
_MARKUP = str.maketrans({"<": "‹", ">": "›", '"': "”", "'": "’", "`": "’", "{": "(", "}": ")"})


def evidently_installed() -> bool:
    """Whether Evidently is installed; the API image runs monitoring without this page."""
    return importlib.util.find_spec("evidently") is not None


def render(reference: pd.DataFrame, current: pd.DataFrame, features: Sequence[str]) -> str:
    """A page that needs no network. Both tables: `features`, and `y, y_hat` if there are forecasts.

    Its PSI uses Evidently's own bins of both samples together, regardless of their size: a second opinion on
    `drift.py`. Names and texts of the data are given to Evidently without their markup, and its page is rebuilt
    (`page.py`).
    """
    os.environ["DO_NOT_TRACK"] = "1"  # before the import, which would send usage statistics
    from evidently import DataDefinition, Dataset, Regression, Report  # 8 s, 300 MB
    from evidently.legacy.utils.dashboard import STATIC_PATH
    from evidently.presets import DataDriftPreset, RegressionPreset

    kept = [name for name in features if reference[name].notna().any() and current[name].notna().any()]
    judged = Y_HAT in reference and reference[Y_HAT].notna().any() and current[Y_HAT].notna().any()
    columns = [*kept, *([Y_HAT] if judged else [])]
    numeric = [name for name in columns if pd.api.types.is_numeric_dtype(reference[name])]
    reference, current = _without_markup(reference[columns], current[columns])
    shown = dict(zip(columns, reference.columns, strict=True))
    definition = DataDefinition(
        numerical_columns=[shown[name] for name in numeric],
        categorical_columns=[shown[name] for name in columns if name not in numeric],
        regression=[Regression(target=Y, prediction=Y_HAT)] if judged else None,
    )
    metrics = [DataDriftPreset(columns=[shown[name] for name in kept], num_method="psi", cat_method="psi")]
    with np.errstate(all="ignore"):
        snapshot = Report([*metrics, *([RegressionPreset()] if judged else [])]).run(
            current_data=Dataset.from_pandas(current, definition),
            reference_data=Dataset.from_pandas(reference, definition),
        )
    library = page.hashed(Path(STATIC_PATH, "index.js").read_text(encoding="utf-8"))
    return page.rebuilt(str(snapshot.get_html_str(as_iframe=False)), library)


def samples(
    panel: Panel, before: pd.DataFrame, since: pd.DataFrame, window: int, rows: int
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """The arguments of `render`: at most `rows` steps before the newest `window` steps, and at most `rows` of these.

    `before`, `since`: `unique_id, ds, y_hat` of the backtest and of the forecast sets. If there are forecasts, only
    steps with a forecast are used.
    """
    features = [Y, *panel.future, *panel.past]
    grid = np.sort(panel.history[DS].unique())
    now = panel.history[DS] > grid[-min(window, len(grid) - 1) - 1]
    tables = []
    for part, said in ((panel.history[~now], before), (panel.history[now], since)):
        steps = part[part[Y].notna()].merge(said.drop_duplicates(KEY, keep="last"), on=KEY, how="left")
        told = steps[steps[Y_HAT].notna()]
        steps = told if len(told) else steps
        tables.append(steps.sample(min(rows, len(steps)), random_state=_SEED)[[*features, Y_HAT]])
    return tables[0], tables[1], features


def _without_markup(*tables: pd.DataFrame) -> list[pd.DataFrame]:
    """The tables, which have equal columns, with names and texts free of markup."""
    names = _plain(tables[0].columns, taken=(Y, Y_HAT))
    copies = [table.rename(columns=names) for table in tables]
    for name in copies[0].columns:
        texts = _plain({value for table in copies for value in table[name].unique() if isinstance(value, str)})
        if texts:
            for table in copies:
                table[name] = [texts.get(value, value) if isinstance(value, str) else value for value in table[name]]
    return copies


def _plain(texts: Iterable[str], taken: Sequence[str] = ()) -> dict[str, str]:
    """Maps each text to a unique, short, one-line form without markup; those in `taken` stay unchanged."""
    forms = {text: text for text in taken}
    used = set(forms)
    for text in sorted(set(texts) - used):
        line = "".join(sign if sign.isprintable() else " " for sign in text.translate(_MARKUP)).strip()
        short = line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
        form, count = short or "(blank)", 1
        while form in used:
            count += 1
            form = f"{short} ({count})"
        forms[text] = form
        used.add(form)
    return forms
