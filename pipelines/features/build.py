"""The feature table: the one function for training and for inference, so that both see the same columns."""

from collections.abc import Sequence

import pandas as pd

from pipelines.features.calendar import calendar as calendar_features
from pipelines.features.holidays import holidays as holiday_features
from pipelines.features.lags import lags as lag_features
from pipelines.panel import Panel
from pipelines.schema import DS, KEY


def build(
    panel: Panel,
    *,
    calendar: bool = True,
    lags: Sequence[int] | None = None,
    rolling: Sequence[int] | None = None,
    country: str | None = None,
    subdivision: str | None = None,
    timezone: str = "UTC",
) -> pd.DataFrame:
    """`unique_id, ds` and numeric features for each row of the history, in its order and with its index.

    `lags` None means 1, 2 and each season; `rolling` None each season longer than one step. Without `country` there are
    no holidays. For features of a step ahead, append its row with a null y to the history.
    """
    history = panel.history
    parts = [history[KEY]]
    steps = lags if lags is not None else tuple(dict.fromkeys((1, 2, *panel.season_lengths)))
    spans = rolling if rolling is not None else tuple(season for season in panel.season_lengths if season > 1)
    parts.append(lag_features(history, steps, spans))
    if calendar:
        parts.append(calendar_features(history[DS], panel.frequency, timezone))
    if country is not None:
        named = holiday_features(history[DS], country, subdivision, frequency=panel.frequency, timezone=timezone)
        parts.append(named.drop(columns="holiday"))
    return pd.concat(parts, axis=1)
