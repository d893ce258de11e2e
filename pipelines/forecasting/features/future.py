"""Future covariates of the steps ahead: holidays from the calendar, others from the source or by policy."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import pandas as pd

from pipelines.core.errors import ConfigError, DataError
from pipelines.core.figures import moment
from pipelines.forecasting.features.holidays import holidays
from pipelines.forecasting.panel import Panel
from pipelines.tables.schema import DS, KEY, UNIQUE_ID

HOLIDAY = "holiday"
_EXAMPLES = 3
_NOTHING = ""  # the value of an empty text

Policy = Literal["error", "previous", "seasonal"]


def add_holidays(panel: Panel, h: int, country: str | None, subdivision: str | None, timezone: str) -> Panel:
    """The panel with the holiday's name as a future covariate, over the history and `h` steps ahead."""
    if country is None:
        return panel
    if HOLIDAY in (*panel.future, *panel.past):
        raise ConfigError(
            f"the covariate '{HOLIDAY}' of the source stands in the way of the calendar's",
            code="two_holiday_covariates",
            field="holidays.country",
            found=country,
            remedy="Take it out of covariates, or holidays.country out of the workspace file.",
        )

    def named(rows: pd.DataFrame) -> pd.DataFrame:
        table = holidays(rows[DS], country, subdivision, frequency=panel.frequency, timezone=timezone)
        return rows.assign(**{HOLIDAY: table[HOLIDAY].replace("", None)})

    ahead = panel.ahead(h)
    known = named(panel.grid(h) if ahead is None else ahead)
    return replace(panel, history=named(panel.history), known=known, future=(*panel.future, HOLIDAY))


def complete(panel: Panel, h: int, columns: Sequence[str], policy: Policy) -> Panel:
    """The panel with a value of each of `columns` for each of the `h` steps ahead.

    Empty numbers are missing, as are all values of a step without a row in the source. An empty text in a row is a
    value that means "nothing special", as in the history. Missing values are filled from the history by `policy`:
    `previous` repeats the last value, `seasonal` the last cycle of the longest season. With `error`, DataError names
    the covariates, series and dates.
    """
    if not columns:
        return panel
    ahead = panel.grid(h)
    if panel.known is None:
        ahead = ahead.reindex(columns=[*KEY, *columns]).assign(listed=False)
    else:
        ahead = ahead.merge(panel.known.assign(listed=True), on=KEY, how="left")
    listed = ahead.pop("listed").eq(True)
    text = [name for name in columns if not pd.api.types.is_numeric_dtype(panel.history[name])]
    missing = ahead[list(columns)].isna()
    missing[text] = missing[text].mask(listed, False)
    if missing.any(axis=None) and policy == "error":
        raise _incomplete(ahead, missing)
    season = max(panel.season_lengths) if policy == "seasonal" else 1
    step = ahead.groupby(UNIQUE_ID).cumcount()
    for name in columns:
        if missing[name].any():
            past = panel.history[[UNIQUE_ID, name]]
            past = past.assign(**{name: past[name].fillna(_NOTHING) if name in text else past[name]})
            repeats = _repeated(past, name, ahead[UNIQUE_ID], step, season).replace(_NOTHING, None)
            ahead[name] = ahead[name].mask(missing[name], repeats)
    return replace(panel, known=ahead)


def _repeated(history: pd.DataFrame, name: str, ids: pd.Series, step: pd.Series, season: int) -> pd.Series:
    """The value of the same step in the last season of each history, or the last value if that is missing.

    The last season is counted from the end, so histories shorter than a season lack its first steps.
    """
    filled = history[[UNIQUE_ID]].assign(value=history.groupby(UNIQUE_ID)[name].ffill())
    newest = filled.groupby(UNIQUE_ID).tail(season)
    place = season - 1 - newest.groupby(UNIQUE_ID).cumcount(ascending=False)
    values = pd.Series(newest["value"].to_numpy(), index=pd.MultiIndex.from_arrays([newest[UNIQUE_ID], place]))
    wanted = pd.MultiIndex.from_arrays([ids, np.asarray(step % season)])
    last = ids.map(filled.groupby(UNIQUE_ID)["value"].last())
    return pd.Series(values.reindex(wanted).to_numpy(), index=ids.index).fillna(last)


def _incomplete(ahead: pd.DataFrame, missing: pd.DataFrame) -> DataError:
    rows = ahead[missing.any(axis=1)]
    names = missing.columns[missing.any()]
    spans = rows.groupby(UNIQUE_ID)[DS].agg(["min", "max"])
    examples = "; ".join(
        f"{series} from {moment(span['min'])} to {moment(span['max'])}"
        for series, span in spans.head(_EXAMPLES).iterrows()
    )
    return DataError(
        f"the future covariates {', '.join(names)} are missing for {len(rows):,} forecast steps of {len(spans):,} series "
        f"({examples})",
        code="future_covariates_missing",
        field="missing.future",
        found={"covariates": list(names), "steps": len(rows), "series": len(spans)},
        remedy="Add rows with these dates and an empty target to the source, "
        "or set missing.future to previous or seasonal.",
    )
