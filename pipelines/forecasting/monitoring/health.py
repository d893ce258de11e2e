"""Data health: whether data arrive on time, in the usual volume, and with known series and categories."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from pipelines.core.documents import Json
from pipelines.core.figures import number, percent
from pipelines.forecasting import frequency
from pipelines.forecasting.monitoring.evidence import ALERT, INSUFFICIENT, OK, WARN
from pipelines.forecasting.panel import Panel
from pipelines.forecasting.thresholds import Health
from pipelines.tables.schema import DS, UNIQUE_ID, Y

_EXAMPLES = 5


@dataclass(frozen=True)
class Check:
    """`value` is compared with `limit`, both shares unless `message` differs; `examples` are some of `count` items."""

    name: str
    status: str
    message: str
    value: float | None = None
    limit: float | None = None
    count: int = 0
    examples: tuple[str, ...] = ()

    def as_json(self) -> Json:
        return asdict(self)


def check(
    panel: Panel, profile: pd.DataFrame, served: Collection[str], ended: Collection[str], window: int, settings: Health
) -> list[Check]:
    """All checks that need no clock. `panel`: the newest data; `profile`: its table of series; `served`: the run's
    series; `ended`: series that ended; `window`: number of newest steps, compared with as many before them.
    """
    return [
        _late(panel, profile, settings.late),
        *_volume(panel, window, settings),
        _vanished(panel.ids, served, ended, settings.vanished),
        _new(panel.ids, served),
        *_categories(panel, window),
    ]


def freshness(as_of: pd.Timestamp, now: pd.Timestamp, alias: str, max_age_days: int | None) -> Check:
    """The age of the newest step in days since the end of its period; any age passes without `max_age_days`."""
    days = (now - frequency.period_end(as_of, alias)) / pd.Timedelta(days=1)
    status = ALERT if max_age_days is not None and days > max_age_days else OK
    told = f"; at most {max_age_days} are allowed (quality.max_age_days)" if max_age_days is not None else ""
    return Check(
        "freshness", status, f"the newest step ended {number(max(days, 0))} days ago{told}.", days, max_age_days
    )


def _late(panel: Panel, profile: pd.DataFrame, limit: float) -> Check:
    """Active series that lack the newest step."""
    going = profile[profile[UNIQUE_ID].isin(panel.ids)]
    late = going.loc[going["last_ds"] < going["last_ds"].max(), UNIQUE_ID]
    return _share("late", f"of {len(going):,} series lack the newest step", list(late), len(going), limit)


def _volume(panel: Panel, window: int, settings: Health) -> list[Check]:
    """Known and missing values per step in the newest steps compared with as many before, for series with both."""
    grid = np.sort(panel.history[DS].unique())
    if len(grid) < 2 * window:
        few = f"the history has {len(grid):,} steps, less than twice the {window} that count as now."
        return [Check(name, INSUFFICIENT, few) for name in ("volume", "missing")]
    start = panel.history.groupby(UNIQUE_ID)[DS].transform("min")
    rows = panel.history[(start <= grid[-2 * window]) & (panel.history[DS] >= grid[-2 * window])]
    known, now = rows[Y].notna(), rows[DS] >= grid[-window]
    values = int((known & now).sum()), int((known & ~now).sum())
    change = values[0] / values[1] - 1 if values[1] else float(values[0] > 0)
    worse = float((~known & now).sum() / max(now.sum(), 1) - (~known & ~now).sum() / max((~now).sum(), 1))
    came = f"{values[0]:,} values came in the newest {window} steps, {values[1]:,} in as many before ({percent(change, sign=True)})."
    missing = f"{worse:+.1%} of the values are missing, compared with the {window} steps before."
    return [
        Check("volume", ALERT if abs(change) > settings.volume else OK, came, change, settings.volume),
        Check("missing", ALERT if worse > settings.missing else OK, missing, worse, settings.missing),
    ]


def _vanished(ids: Sequence[str], served: Collection[str], ended: Collection[str], limit: float) -> Check:
    gone = sorted((set(served) - set(ids)) | (set(ended) & set(served)))
    return _share("vanished", f"of {len(served):,} series of the run ended or are gone", gone, len(served), limit)


def _new(ids: Sequence[str], served: Collection[str]) -> Check:
    new = sorted(set(ids) - set(served))
    return _share("new series", "came after the run, and are forecast by the baseline", new, len(ids), 1.0)


def _categories(panel: Panel, window: int) -> list[Check]:
    """Values of text covariates that occur only in the newest steps."""
    newest = np.sort(panel.history[DS].unique())[-window:]
    now = panel.history[DS].isin(newest)
    checks = []
    for name in (*panel.future, *panel.past):
        column = panel.history[name]
        if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
            continue
        new = sorted(set(column[now].dropna().astype(str)) - set(column[~now].dropna().astype(str)))
        known = int(column.nunique())
        checks.append(_share(f"categories of {name}", f"of {known:,} values are new", new, known, 1.0))
    return checks


def _share(name: str, what: str, which: list[str], total: int, limit: float) -> Check:
    """A check of a share: ok if 0, alert above the limit."""
    share = len(which) / total if total else 0.0
    status = ALERT if share > limit else WARN if which and name != "late" else OK
    return Check(name, status, f"{len(which):,} {what}.", share, limit, len(which), tuple(which[:_EXAMPLES]))
