"""Backtest windows: cutoffs, training parts and test parts."""

from dataclasses import replace
from typing import Literal

import pandas as pd

from pipelines.core.errors import DataError
from pipelines.forecasting import frequency as grid
from pipelines.forecasting.panel import Panel
from pipelines.tables.schema import DS, KEY, UNIQUE_ID, Y

LEAST = 2  # observations that a series needs before a cutoff; one shows no changes


def cutoffs(last: pd.Timestamp, frequency: str, horizon: int, windows: int, step: int, gap: int) -> list[pd.Timestamp]:
    """The last training timestamp of each window, ascending; the newest window's test part ends at `last`.

    A test part has `horizon` steps and starts gap + 1 steps after its cutoff; windows lie `step` steps apart.
    """
    back = horizon + gap
    stamps = pd.date_range(end=last, periods=back + (windows - 1) * step + 1, freq=grid.parse(frequency))
    return [stamps[window * step] for window in range(windows)]


def usable(panel: Panel, horizon: int, windows: int, step: int, gap: int) -> list[pd.Timestamp]:
    """The cutoffs of `panel`, counted back from its newest observation, without the earliest ones that have too little
    history.

    A cutoff is kept when some series has at least 2 observations up to it; DataError when none is left.
    """
    observed = panel.history.loc[panel.history[Y].notna(), KEY]
    nth = observed.groupby(UNIQUE_ID, sort=False).cumcount() + 1
    enough = observed.loc[nth == LEAST, DS].min()  # from here on, some series has enough history
    last = observed[DS].max()
    if pd.isna(enough):
        longest = int(nth.max()) if len(nth) else 0
        raise DataError(
            f"a backtest needs a series with at least {LEAST} observations; "
            f"the longest of {len(panel.ids)} series has {longest}",
            code="history_too_short",
            found={"series": len(panel.ids), "longest": longest},
            remedy="Bring a longer history.",
        )
    kept = [cutoff for cutoff in cutoffs(last, panel.frequency, horizon, windows, step, gap) if cutoff >= enough]
    if not kept:
        raise _too_long(panel, observed[DS].min(), enough, last, horizon, gap)
    return kept


def split(
    panel: Panel,
    cutoff: pd.Timestamp,
    horizon: int,
    gap: int,
    strategy: Literal["expanding", "sliding"],
    size: int | None,
) -> tuple[Panel, pd.DataFrame]:
    """The data known at `cutoff`, and the actuals after it: the training panel and the test rows `unique_id, ds, y`.

    `expanding` trains on the whole past, `sliding` on the last `size` steps up to the cutoff. `known` of the training
    panel holds the future covariates of the gap and of the test part. A series without an observation in the training
    part is in neither; one that ends early has fewer test rows or none. Test rows without an actual are left out.
    """
    ahead = grid.future(cutoff, panel.frequency, gap + horizon)
    after = panel.history[panel.history[DS].between(ahead[0], ahead[-1])]
    train = _training(panel, cutoff, strategy, size)
    ids = train.ids
    after = after[after[UNIQUE_ID].isin(ids)]
    test = after.loc[(after[DS] >= ahead[gap]) & after[Y].notna(), [*KEY, Y]].reset_index(drop=True)
    return replace(train, known=_known(panel, after, ids, ahead)), test


def _training(panel: Panel, cutoff: pd.Timestamp, strategy: Literal["expanding", "sliding"], size: int | None) -> Panel:
    seen = panel.history[DS] <= cutoff
    if strategy == "sliding":
        if size is None:
            raise ValueError("a sliding window needs its size in steps")
        seen &= panel.history[DS] >= pd.date_range(end=cutoff, periods=size, freq=grid.parse(panel.frequency))[0]
    ids = panel.history.loc[seen & panel.history[Y].notna(), UNIQUE_ID].unique()
    return replace(panel, history=panel.history[seen]).select(ids)


def _known(panel: Panel, after: pd.DataFrame, ids: list[str], ahead: pd.DatetimeIndex) -> pd.DataFrame | None:
    if not panel.future:
        return None
    columns = [*KEY, *panel.future]
    parts = [after[columns]]
    if panel.known is not None:
        given = panel.known[DS].between(ahead[0], ahead[-1]) & panel.known[UNIQUE_ID].isin(ids)
        parts.append(panel.known.loc[given, columns])
    known = pd.concat([part for part in parts if len(part)] or parts[:1])
    return known.drop_duplicates(KEY).sort_values(KEY, ignore_index=True)


def _too_long(
    panel: Panel, first: pd.Timestamp, enough: pd.Timestamp, last: pd.Timestamp, horizon: int, gap: int
) -> DataError:
    offset = grid.parse(panel.frequency)
    steps = len(pd.date_range(first, last, freq=offset))
    most = len(pd.date_range(enough, last, freq=offset)) - 1 - gap
    needs = f"the horizon of {horizon} steps" + (f" plus the gap of {gap}" if gap else "")
    remedy = (
        f"Use a horizon of at most {most}{', a smaller gap' if gap else ''} or a longer history."
        if most >= 1
        else f"Use {'a smaller gap or ' if gap else ''}a longer history."
    )
    return DataError(
        f"{needs} is too long for a backtest on a history of {steps} steps, "
        f"of which the first {LEAST} observations are needed to learn from",
        code="horizon_too_long",
        field="horizon",
        found={"horizon": horizon, "gap": gap, "steps": steps},
        remedy=remedy,
    )
