"""Column names of the stored tables."""

from typing import Final

UNIQUE_ID = "unique_id"
DS = "ds"
Y = "y"
Y_HAT = "y_hat"
CUTOFF = "cutoff"
MODEL = "model"
KEY = [UNIQUE_ID, DS]
COMPONENT = "component"  # of a forecast: one of the next four, `season(length)` or the name of a covariate
LEVEL = "level"
TREND = "trend"
HOLIDAY = "holiday"
REST = "rest"
VALUE = "value"
STEP = "step"  # steps after the cutoff or the newest value, from 1
PHASE = "phase"  # of the shortest season, from 0, and the error size at it
SIZE = "size"
MEMBER = "member"  # of an ensemble, and its weight
WEIGHT = "weight"
PREVIOUS = "previous"  # the previous production run and the possible next one, which forecasts are compared with
CANARY = "canary"
BASELINE = "seasonal_naive"  # always a candidate, and the reference of `skill`
METRIC = "metric"
OF_METRIC = (
    VALUE,
    "baseline",
    "baseline_value",
    "runner_up_value",
)  # columns in the unit of the row's metric
FRACTION: Final = "fraction"  # the unit of shares in every file and answer: 0.801, formatted as 80.1 % for people
SHARES = ("mape", "smape", "wape", "coverage")  # the metrics in that unit; coverage also by level: `coverage_80`


def is_share(metric: str) -> bool:
    """Whether a metric, or a column named after one such as `wape_baseline`, is a share."""
    return metric.partition("_")[0] in SHARES


def season(length: int) -> str:
    """Name of a season's component: `season 24` for a day of hours."""
    return f"season {length}"


def lo(level: int) -> str:
    """Name of the lower bound's column of an interval."""
    return f"lo_{level}"


def hi(level: int) -> str:
    """Name of the upper bound's column of an interval."""
    return f"hi_{level}"
