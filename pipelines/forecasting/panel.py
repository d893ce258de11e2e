"""The panel of series, the input of models and backtests."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.forecasting import frequency
from pipelines.tables.schema import DS, KEY, UNIQUE_ID, Y


@dataclass(frozen=True)
class Panel:
    """Histories on one grid, with covariates and attributes.

    `history`: `unique_id, ds, y` + covariates, sorted, one row per grid point; y may be null where a gap was left.
    `known`: `unique_id, ds` + future covariates, sorted, rows after the end of each history, as far as the source has
    them. `static`: one row per series, `unique_id` + attributes. `horizon`: the number of steps to be forecast, if
    known in advance, so that a model may learn them directly. `timezone`: local time of sub-daily steps, which are in
    UTC here; longer steps are dates. Nothing here is changed in place.
    """

    history: pd.DataFrame
    frequency: str
    season_lengths: tuple[int, ...] = (1,)
    future: tuple[str, ...] = ()
    past: tuple[str, ...] = ()
    known: pd.DataFrame | None = None
    static: pd.DataFrame | None = None
    horizon: int | None = None
    timezone: str = "UTC"

    @property
    def season_length(self) -> int:
        """The primary season in steps."""
        return self.season_lengths[0]

    @property
    def ids(self) -> list[str]:
        """The series, sorted."""
        return sorted(self._of_history.names)

    def select(self, ids: Iterable[str]) -> "Panel":
        """The same panel with these series only."""
        wanted = set(ids)
        return replace(
            self,
            history=self._of_history.rows(self.history, wanted),
            known=None if self.known is None else self._of_known.rows(self.known, wanted),
            static=None if self.static is None else _Spans.of(self.static).rows(self.static, wanted),
        )

    @cached_property
    def _of_history(self) -> "_Spans":
        return _Spans.of(self.history)

    @cached_property
    def _of_known(self) -> "_Spans":
        return _Spans.of(self.history.head(0) if self.known is None else self.known)

    def grid(self, h: int) -> pd.DataFrame:
        """The `h` steps after the end of each history: `unique_id, ds`, sorted, len(ids) · h rows."""
        last = self.history.groupby(UNIQUE_ID, sort=True)[DS].max()
        place, ends = pd.factorize(last)
        steps = np.array([frequency.future(end, self.frequency, h) for end in ends], dtype="datetime64[ns]")
        return pd.DataFrame({UNIQUE_ID: last.index.repeat(h).astype(str), DS: steps.reshape(-1, h)[place].ravel()})

    def ahead(self, h: int) -> pd.DataFrame | None:
        """`grid(h)` with the known future covariates, null where unknown; None without future covariates."""
        return None if self.known is None else self.grid(h).merge(self.known, on=KEY, how="left")

    def y(self) -> pd.Series:
        """The target, indexed by unique_id and ds."""
        return self.history.set_index(KEY)[Y]


Part = Callable[[], Panel]  # provides a task with some series of a panel
Share = Callable[[Panel, list[str]], Part]  # makes the part for a task


def held(panel: Panel, ids: list[str]) -> Part:
    """The part with its series in memory, for tasks on this machine."""
    return partial(_itself, panel.select(ids))


def _itself(panel: Panel) -> Panel:
    return panel


def from_tables(
    observations: pd.DataFrame,
    series: pd.DataFrame,
    alias: str,
    season_lengths: tuple[int, ...],
    *,
    future: tuple[str, ...] = (),
    past: tuple[str, ...] = (),
    static: tuple[str, ...] = (),
    late: int = 0,
    ids: Collection[str] | None = None,
    timezone: str = "UTC",
) -> tuple[Panel, list[str]]:
    """The panel from the stored tables, and the series that ended, whose last value is over `late` steps old.

    With `ids` the result equals `select(ids)`, and `observations` need not hold other series.

    Histories run from each series' `first_ds` to the panel's newest step, so all forecasts are for the same dates; the
    target of a late series is missing there.
    """
    spans = series[series["n"] > 0].set_index(UNIQUE_ID)
    end = spans["last_ds"].max()
    oldest = pd.date_range(end=end, periods=late + 1, freq=frequency.parse(alias))[0]
    current = spans[spans["last_ds"] >= oldest]
    ended = sorted(spans.index.difference(current.index))
    if ids is not None:
        current = current[current.index.isin(ids)]
    of = current.index.get_indexer(pd.Index(observations[UNIQUE_ID]))  # -1: a series that ended
    ds, ours = observations[DS].to_numpy(), of >= 0
    first, last = (current[name].to_numpy()[of] for name in ("first_ds", "last_ds"))
    past_rows = ours & (ds >= first) & (ds <= np.datetime64(end))
    history = observations.loc[past_rows, [*KEY, Y, *future, *past]].reset_index(drop=True)
    history[Y] = history[Y].where((ds <= last)[past_rows])
    history = _up_to(end, history, current["last_ds"], alias)
    ahead = ours & (ds > np.datetime64(end))
    known = observations.loc[ahead, [*KEY, *future]].reset_index(drop=True) if future else None
    of_current = series[UNIQUE_ID].isin(current.index)
    attributes = series.loc[of_current, [UNIQUE_ID, *static]].reset_index(drop=True) if static else None
    return Panel(history, alias, season_lengths, future, past, known, attributes, timezone=timezone), ended


@dataclass(frozen=True)
class _Spans:
    """The span of rows of each series, computed once: with a search per selection, thousands of them would be
    quadratic.
    """

    names: pd.Index
    ends: npt.NDArray[np.intp]  # rows ends[i] to ends[i + 1] belong to names[i]

    @classmethod
    def of(cls, frame: pd.DataFrame) -> "_Spans":
        """The spans of a table whose rows are grouped by series."""
        names = frame[UNIQUE_ID].to_numpy()
        starts = np.flatnonzero(np.r_[len(names) > 0, names[1:] != names[:-1]])
        return cls(pd.Index(names[starts]), np.r_[starts, len(names)])

    def rows(self, frame: pd.DataFrame, wanted: Collection[str]) -> pd.DataFrame:
        """The rows of the wanted series, in the order of the table."""
        at = np.sort(self.names.get_indexer(pd.Index(list(wanted), dtype=object)))
        at = at[at >= 0]
        if len(at) == len(self.names):
            return frame
        if len(at) and at[-1] - at[0] == len(at) - 1:  # contiguous: one slice
            return frame.iloc[self.ends[at[0]] : self.ends[at[-1] + 1]].reset_index(drop=True)
        parts = [np.arange(self.ends[one], self.ends[one + 1]) for one in at]
        return frame.take(np.concatenate([*parts, np.empty(0, dtype=np.intp)])).reset_index(drop=True)


def _up_to(end: pd.Timestamp, history: pd.DataFrame, last_ds: pd.Series, alias: str) -> pd.DataFrame:
    """The histories, extended to `end` by steps without a value; `last_ds` by series."""
    late = last_ds[last_ds < end]
    if late.empty:
        return history
    history = pd.concat([history, _tails(late, end, alias)])
    return history.drop_duplicates(KEY).sort_values(KEY, ignore_index=True)


def _tails(last_ds: pd.Series, end: pd.Timestamp, alias: str) -> pd.DataFrame:
    """The steps from each last value to `end`, without values."""
    offset = frequency.parse(alias)
    tails = [
        pd.DataFrame({UNIQUE_ID: name, DS: pd.date_range(last, end, freq=offset)[1:]}) for name, last in last_ds.items()
    ]
    return pd.concat(tails).assign(**{Y: float("nan")})
