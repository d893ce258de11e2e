"""Concepts of facts: label, format, and the words required near a fact in a sentence.

The words catch swapped facts: a sentence that says "peak" with the value of the total is refused.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "quantity",
    "change",
    "difference",
    "share",
    "number",
    "count",
    "interval",
    "date",
    "period",
    "level",
    "rank",
    "text",
    "quote",
]
SubjectKind = Literal[
    "series", "group", "attribute", "model", "run", "component", "covariate", "feature", "check", "metric"
]
Words = tuple[str, ...]


def words_of(text: str) -> Words:
    return tuple(text.split())


FORECAST: Words = ("forecast", "expected", "expects", "predicted", "ahead", "coming", "will", "next")
_TOTAL: Words = (
    "total",
    "totals",
    "sum",
    "sums",
    "altogether",
    "all in all",
    "adds up",
    "add up",
    "amounts",
    "comes to",
    "come to",
    "came to",
    "average",
    "averages",
)
_LAST_PERIOD: Words = ("last period", "period before", "previous period", "preceding", "recent", "latest actuals")
_LAST_YEAR: Words = ("last year", "year ago", "year before", "previous year", "year earlier")
_LAST_RUN: Words = ("last forecast", "previous forecast", "forecast before", "previous run", "last run", "before it")
_ERROR: Words = ("error", "errors", "off by", "miss", "misses", "accuracy", "accurate", "wrong")
_BACKTEST: Words = ("backtest", "backtests", "tested", "test", "tests")
_ACTUAL: Words = ("actual", "actuals", "was", "were", "came", "sold", "recorded", "history")
_LIVE: Words = ("lately", "since then", "in production", "new actuals", "now", "monitoring", "monitored", "live")


@dataclass(frozen=True)
class Concept:
    """Type of a fact. `says`: the clause of the fact must contain one word of each group."""

    label: str
    kind: Kind
    says: tuple[Words, ...] = ()


CONCEPTS: dict[str, Concept] = {
    # forecast
    "forecast_total": Concept("total of the forecast", "quantity", (FORECAST, _TOTAL)),
    "forecast_mean": Concept(
        "forecast per step on average", "quantity", (FORECAST, ("a step", "per step", "each step"))
    ),
    "forecast_period": Concept("steps that are forecast", "period"),
    "forecast_steps": Concept("number of steps forecast", "count", (("step", "steps", "horizon", "ahead"),)),
    "forecast_value": Concept("forecast of one step", "quantity", (FORECAST,)),
    "forecast_date": Concept("a step of the forecast", "date"),
    "peak_value": Concept("highest step of the forecast", "quantity", (("peak", "peaks", "highest", "maximum"),)),
    "peak_date": Concept("when the forecast is highest", "date", (("peak", "peaks", "highest", "maximum"),)),
    "trough_value": Concept("lowest step of the forecast", "quantity", (("trough", "lowest", "minimum", "low"),)),
    "trough_date": Concept("when the forecast is lowest", "date", (("trough", "lowest", "minimum", "low"),)),
    "last_period_total": Concept("total of the last period, as long as the horizon", "quantity", (_LAST_PERIOD,)),
    "last_year_total": Concept("total of the same steps a year before", "quantity", (_LAST_YEAR,)),
    "previous_total": Concept("total of the forecast that was published before", "quantity", (_LAST_RUN,)),
    "change_on_last_period": Concept("change of the total on the last period", "change", (_LAST_PERIOD,)),
    "change_on_last_year": Concept("change of the total on the year before", "change", (_LAST_YEAR,)),
    "change_on_previous": Concept("change of the total since the last forecast", "change", (_LAST_RUN,)),
    "interval": Concept("interval of one step", "interval", (("interval", "between", "range", "from"),)),
    "interval_level": Concept(
        "level of the intervals",
        "level",
        (("interval", "intervals", "level", "probability", "coverage", "covers", "cover"),),
    ),
    "interval_width": Concept(
        "mean width of the interval beside the forecast", "share", (("width", "wide", "narrow"),)
    ),
    "forecast_end": Concept("last step that is forecast", "date", (("reach", "reaches", "ends", "until"),)),
    # actuals
    "actual_total": Concept("total of the actuals", "quantity", (_ACTUAL, _TOTAL)),
    "actual_mean": Concept("actuals per step on average", "quantity", (_ACTUAL, ("a step", "per step", "each step"))),
    "actual_period": Concept("dates that the actuals are of", "period"),
    "actual_value": Concept("actual of a date", "quantity", (_ACTUAL,)),
    "actual_date": Concept("date of an actual", "date"),
    "actual_high": Concept("highest of the actuals", "quantity", (_ACTUAL, ("peak", "highest", "maximum"))),
    "actual_high_date": Concept("when the actuals were highest", "date", (_ACTUAL, ("peak", "highest", "maximum"))),
    "actual_low": Concept("lowest of the actuals", "quantity", (_ACTUAL, ("lowest", "minimum"))),
    "actual_low_date": Concept("when the actuals were lowest", "date", (_ACTUAL, ("lowest", "minimum"))),
    "last_value": Concept("newest actual", "quantity", (("newest", "latest", "last actual", "last value"),)),
    "first_date": Concept("date of the oldest actual", "date", (("since", "from", "begins", "starts", "start"),)),
    "last_date": Concept("date of the newest actual", "date", (("newest", "latest", "until", "up to", "last"),)),
    "as_of": Concept(
        "what the data reached when it was forecast", "date", (("as of", "data up to", "made on data", "from data"),)
    ),
    "share_of_total": Concept("share of the workspace's forecast", "share", (("share", "of the workspace", "of all"),)),
    # components
    "component_total": Concept(
        "part of the forecast",
        "difference",
        (("contribute", "contributes", "adds", "takes", "effect", "part", "makes up"),),
    ),
    "component_share": Concept("part of the forecast beside the whole", "share", (("share", "of the forecast"),)),
    "bridge_total": Concept(
        "part of the change since the last forecast",
        "difference",
        (("change", "changed", "moved", "difference", "because of"),),
    ),
    "bridge_sum": Concept("change of the total since the last forecast", "difference", (_LAST_RUN,)),
    "bridge_since": Concept("when the last forecast was made", "date", ((*_LAST_RUN, "since"),)),
    # accuracy
    "error": Concept("error in the backtest", "number", (_ERROR,)),
    "baseline_error": Concept(
        "error of the seasonal naive in the backtest", "number", (("seasonal naive", "baseline"),)
    ),
    "skill": Concept(
        "skill against the seasonal naive in the backtest",
        "share",
        (("skill", "better", "worse", "beats", "improves", "improvement"),),
    ),
    "mean_error": Concept(
        "mean error of all series in the backtest", "number", (("mean", "average", "overall"), _ERROR)
    ),
    "wape": Concept("absolute error beside the actuals in the backtest", "share", (("off by", "wape", "misses"),)),
    "bias": Concept("bias in the backtest", "difference", (("bias", "lean", "leans", "too low", "too high"),)),
    "coverage": Concept(
        "share of actuals within the interval in the backtest",
        "share",
        (("cover", "covers", "covered", "coverage", "within"),),
    ),
    "horizon_error": Concept("error in the backtest so far ahead", "number", (("ahead", "step", "steps", "horizon"),)),
    "horizon_step": Concept("steps ahead", "count", (("ahead", "step", "steps", "horizon"),)),
    "cutoff_date": Concept(
        "where a window of the backtest begins", "date", (("window", "windows", "cutoff", "after"),)
    ),
    "cutoff_error": Concept("error in one window of the backtest", "number", (("window", "cutoff", "ending"),)),
    "windows": Concept("windows of the backtest", "count", (("window", "windows"),)),
    "n_models": Concept("models that were compared", "count", (("model", "models", "candidates"),)),
    "champion_share": Concept("series that the model forecasts", "count", (("forecasts", "chosen", "champion"),)),
    # monitoring
    "status": Concept("status in monitoring", "text", (("status", "stands", "graded"),)),
    "status_since": Concept("since when the status holds", "date", (("since",),)),
    "live_error": Concept("error on new actuals", "number", (_LIVE, _ERROR)),
    "live_baseline": Concept(
        "the same error in the backtest",
        "number",
        (_BACKTEST, ("beside", "against", "compared", "before", "than", "was")),
    ),
    "live_coverage": Concept(
        "share of new actuals within the interval", "share", (("cover", "covers", "covered", "coverage", "within"),)
    ),
    "psi": Concept("population stability index", "number", (("psi", "drift", "drifted", "shift", "stability"),)),
    "psi_threshold": Concept(
        "threshold of the population stability index", "number", (("threshold", "limit", "line"),)
    ),
    "n_alerting": Concept("series in alert", "count", (("in alert",),)),
    "n_warned": Concept("series with a warning", "count", (("warn", "warning", "warnings", "warned"),)),
    "n_drifted": Concept("series whose feature drifted", "count", (("drift", "drifted"),)),
    "n_alerts": Concept(
        "alerts that nobody has acknowledged yet", "count", (("alerts",), ("acknowledged", "open", "seen"))
    ),
    "alert": Concept("what an alert says", "quote"),
    "alert_date": Concept("when it was raised", "date", (("raised", "since", "alert"),)),
    # data
    "n_series": Concept("series of the workspace", "count", (("series",),)),
    "n_forecast": Concept("series that are forecast", "count", (FORECAST, ("series",))),
    "n_found": Concept("series that were found", "count", (("series", "match", "matches", "found"),)),
    "n_values": Concept("values of an attribute", "count", (("values", "different", "there are"),)),
    "frequency": Concept("how far steps are apart", "text", (("step", "steps", "frequency"),)),
    "n_rows": Concept("rows that were read", "count", (("row", "rows"),)),
    "n_rejected": Concept("rows that were rejected", "count", (("reject", "rejected"),)),
    "n_observations": Concept("observations of the series", "count", (("observations", "history", "values", "long"),)),
    "n_missing": Concept("missing values of the series", "count", (("missing", "gaps"),)),
    "share_zero": Concept("share of zeros", "share", (("nothing", "empty"),)),
    "seasonal_strength": Concept("strength of the season", "number", (("season", "seasonal", "seasonality"),)),
    "trend_strength": Concept("strength of the trend", "number", (("trend",),)),
    "demand_class": Concept("kind of demand", "text", (("demand", "class", "kind"),)),
    "n_checks": Concept("checks of the data", "count", (("check", "checks"),)),
    "n_failing": Concept("checks that did not pass", "count", (("not pass", "warning", "warnings", "fail", "failed"),)),
    "check_status": Concept("result of a check", "text", (("check", "checks", "passed", "result"),)),
    "check_message": Concept("what a check found", "quote"),
    "check_value": Concept("figure of a check", "number", (("check", "checks", "found", "value"),)),
    "data_version": Concept("data version", "text", (("version",),)),
    # runs
    "run_metric": Concept("metric of a run", "number", ((*_ERROR, "metric", "skill", "coverage"),)),
    "run_difference": Concept(
        "difference between two runs", "difference", (("difference", "change", "changed", "apart", "differ"),)
    ),
    "run_date": Concept("when the run was trained", "date", (("trained", "made", "run"),)),
    "n_better": Concept("series that got better", "count", (("better", "improved"),)),
    "n_worse": Concept("series that got worse", "count", (("worse",),)),
    "incomparable": Concept(
        "why errors of two runs cannot be compared", "text", (("compare", "compared", "comparable", "because"),)
    ),
    "setting": Concept("a setting", "text", (("setting", "settings", "configuration"),)),
    # ranks and derived values
    "rank": Concept("place among the series", "rank", (("rank", "ranks", "place", "placed"),)),
    "sum": Concept("sum of facts", "quantity", ((*_TOTAL, "together"),)),
    "average": Concept("average of facts", "quantity", (("average", "averages", "mean"),)),
    "derived_difference": Concept(
        "difference of two facts",
        "difference",
        (("difference", "differ", "differs", "more", "less", "apart", "above", "below", "gap"),),
    ),
    "derived_ratio": Concept("ratio of two facts", "number", (("times", "ratio"),)),
    "derived_change": Concept(
        "relative difference of two facts",
        "change",
        (("more", "less", "higher", "lower", "difference", "change", "above", "below"),),
    ),
    "derived_share": Concept("share of one fact in another", "share", (("share",),)),
    # names and texts
    "series": Concept("series", "text"),
    "group": Concept("group of series", "text"),
    "model": Concept("model", "text"),
    "run": Concept("run", "text"),
    "component": Concept("component", "text"),
    "covariate": Concept("covariate", "text"),
    "feature": Concept("feature", "text"),
    "check": Concept("check of the data", "text"),
    "metric": Concept("metric", "text"),
    "attribute": Concept("attribute", "text"),
    "attribute_value": Concept("value of an attribute", "text"),
    "champion": Concept(
        "model that was chosen", "text", (("model", "champion", "forecast with", "forecast by", "chosen"),)
    ),
    "workspace": Concept("title of the workspace", "text", (("workspace", "called", "titled"),)),
    "unit": Concept("unit of the target", "text", (("unit", "units", "measured"),)),
    "quote": Concept("quotation from a document", "quote"),
    "asked": Concept("something that was asked about", "text", (("asked",),)),
}
