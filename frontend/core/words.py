"""Display text for numbers, dates and reasons: units, separators, and only meaningful digits."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

NOTHING = "–"
_MINUS = "\u2212"  # for display only: parsers do not recognise it as a sign
COLOURS: dict[str, Literal["green", "orange", "red", "gray"]] = {
    "ok": "green", "warn": "orange", "alert": "red", "insufficient": "gray"
}  # fmt: skip

Markdown = str  # as an annotation: markup in which all data has gone through `literal`

_MARKUP = re.compile(r"[\\`*_\[\]<>#!|~$&{}]")
_FIRST = re.compile(r"^(\d{0,9})([-+=.)])(?=[\s=]|$)")  # would begin a list or underline a heading
_REWRITTEN = re.compile(r"(?<=:)(?=\S)|(?=@)|(?<=www)(?=\.)|(?<=[-<>~])(?=[-=>])", re.IGNORECASE)
_UNSEEN = "\u2060"  # word joiner; breaks icons, links and arrows, which form even if their signs are escaped

_UNNAMEABLE = re.compile(r"[^\w.]+")  # characters that some file systems reject
_LONGEST = 80  # characters in a file name: in most scripts well below the 255 bytes that file systems allow

_SIZES = ((1e9, "bn"), (1e6, "M"), (1e4, "k"))
_CALLED = {"new": "new since the last training", "ended": "no values any more"}  # statuses that are also reasons
_AGAINST = {"on_year": "last year", "on_period": "the last period", "since_previous": "the previous forecast"}
_SHARES = ("mape", "smape", "wape", "coverage", "skill")  # metrics that are fractions, shown in percent
_SPARED = 0.005  # relative changes below this are not mentioned


def number(value: float | None, unit: str = "") -> str:
    """`1,234`, `12.3k` or `0.123`, three or four digits, with its unit; a dash if unknown."""
    if value is None or value != value:
        return NOTHING
    for size, letter in _SIZES:
        if abs(value) >= size:
            text = f"{value / (1e3 if letter == 'k' else size):,.3g}{letter}"
            break
    else:
        text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{text} {unit}".strip()


def percent(share: float | None, *, digits: int = 0) -> Markdown:
    """`12 %` of a share 0.12."""
    if share is None or share != share:
        return NOTHING
    return _rendered(f"{100 * share:,.{digits}f}", " %")


def is_share(metric: str | None) -> bool:
    """Whether a metric is a fraction: `wape`, `coverage_80`."""
    return (metric or "").partition("_")[0] in _SHARES


def figure(value: float | None, metric: str | None) -> Markdown:
    """Value of a metric: `63.2 %` for a share, `0.734` for any other."""
    return percent(value, digits=1) if is_share(metric) else literal(number(value))


def change(share: float | None) -> Markdown:
    """A relative change, `+4.2 %`, `−2.3 %`; beyond tenfold as a factor, `13×`."""
    if share is None or share != share:
        return NOTHING
    if share >= 10:
        return f"{1 + share:,.0f}×"
    return _rendered(f"{100 * share:+,.1f}", " %")


def delta(share: float | None) -> dict[str, Any]:
    """Arguments of `st.metric` for a relative change: a hyphen, by which it detects a fall; no arrow for no change."""
    told = None if share is None or share != share else change(share).replace(_MINUS, "-")
    moved = told is not None and any(digit in "123456789" for digit in told)
    return {"delta": told, "delta_arrow": "auto" if moved else "off"}


def _rendered(number: str, unit: str) -> Markdown:
    """A formatted number for display: typographic minus, and no sign if it rounds to 0."""
    return (number.replace("-", _MINUS) if float(number.replace(",", "")) else number.lstrip("+-")) + unit


def day(ds: str | None) -> Markdown:
    """`Sat 1 Jun 2024`; with the time in the workspace's zone if steps are shorter than a day."""
    if not ds:
        return NOTHING
    moment = datetime.fromisoformat(ds)
    text = f"{moment:%a} {moment.day} {moment:%b %Y}"
    return f"{text}, {moment:%H:%M}" if "T" in ds else text


def moment(stamp: str | None) -> Markdown:
    """A registry timestamp, `1 Jun 2024, 12:30 UTC`."""
    if not stamp:
        return NOTHING
    at = datetime.fromisoformat(stamp)
    return f"{at.day} {at:%b %Y, %H:%M} UTC"


def age(days: float | None) -> Markdown:
    """`3 hours old`, `12 days old`, `26 years old`."""
    if days is None:
        return "of unknown age"
    for length, word in ((365.25, "year"), (30.44, "month"), (1.0, "day"), (1 / 24, "hour")):
        if days >= 2 * length or length < 1:
            count = int(days / length)
            return f"{count:,} {word}{'s' if count != 1 else ''} old"
    return "new"


def steps(count: int, frequency: str | None) -> Markdown:
    """`28 days`, `96 half hours`: the horizon in words."""
    words = {
        "D": "day", "B": "business day", "h": "hour", "30min": "half hour", "15min": "quarter hour", "min": "minute",
        "MS": "month", "ME": "month", "QS": "quarter", "QE": "quarter", "YS": "year", "YE": "year",
    }  # fmt: skip
    unit = words.get(frequency or "") or ("week" if (frequency or "").startswith("W") else "step")
    return f"{count:,} {unit}{'s' if count != 1 else ''}"


def metric(name: str | None) -> str:
    """`MASE`, `sMAPE`: the usual spelling of a metric."""
    return {"smape": "sMAPE", "bias": "bias"}.get(name or "", (name or "error").upper())


def feature(name: str, target: str | None) -> str:
    """A monitored feature; the target, internally `y`, by its own name."""
    return target if name == "y" and target else name


def model(name: str | None) -> str:
    """`seasonal naive`, `default ensemble`."""
    return (name or NOTHING).replace("_", " ")


def why(reasons: Sequence[Mapping[str, Any]], status: str) -> str:
    """Why a series needs attention: `forecast 41 % above last year · error 1.8× the typical`; monitoring first."""
    told = [_CALLED[status]] if status in _CALLED else []
    told += [monitored(one) for one in reasons if one["status"]]
    told += [_reason(one["kind"], one["value"]) for one in reasons if not one["status"]]
    return " · ".join(text for text in told if text) or "nothing unusual"


def monitored(reason: Mapping[str, Any]) -> str:
    """A monitoring finding: `forecasts worse than in the backtest since Sun 24 Mar 2024 (MAE 2.1×)`."""
    kind, value, since = reason["kind"], reason["value"], f" since {day(reason['since'])}"
    if kind == "drifted":
        what = "its values have drifted" if reason["feature"] == "y" else f"its input {reason['feature']} has drifted"
        now = "" if value > 1 else " now; it clears once it stays below"
        return f"{what}{since} (PSI {value:.2g}× its threshold{now})"
    if kind == "uncovered":
        return f"intervals cover {100 * value:.0f} points too little{since}"
    if kind == "leaning":
        return f"forecasts too {'low' if value > 0 else 'high'}{since}"
    return f"forecasts worse than in the backtest{since} (MAE {value:.2g}×)"


def _reason(kind: str, value: float) -> str:
    """A figure as a reason; empty for a share of the total, which is a size, and for a negligible change."""
    if kind == "error":
        return f"error {value:.2g}× the typical"
    if kind == "worse_than_baseline":
        return f"error {percent(-value)} above that of the seasonal naive"
    if kind == "stale":
        return f"no values for the last {value:,.0f} days"
    if kind not in _AGAINST or abs(value) < _SPARED:
        return ""
    side = "above" if value > 0 else "below"
    size = f"{1 + value:.2g} times" if value >= 1 else f"{percent(abs(value))} {side}"
    return f"forecast {size} {_AGAINST[kind]}"


def standing(series: Mapping[str, Any]) -> str:
    """Status of a monitored series in a sentence: its error against the backtest, and the inputs that have drifted."""
    since = f" since {day(series['since'])}" if series["since"] else ""
    error = f"MASE {number(series['mase'])} live, {number(series['mase_baseline'])} in the backtest"
    moved = [one["feature"] for one in series["drift"] if one["status"] in ("warn", "alert")]
    named = ["its values" if name == "y" else name for name in moved]
    return " · ".join([f"{series['status']}{since}", error, *([f"drifted: {', '.join(named)}"] if named else [])])


def label(name: str) -> Markdown:
    """Name of an attribute, a column or a kind as a label: `demand class`."""
    return literal(model(name))


def literal(text: object) -> Markdown:
    """Markdown that shows exactly this text on one line, without markup, colour, formula, icon, link or picture.

    Not for `st.badge`, which escapes brackets itself and would undo this: use `badge`.
    """
    line = _REWRITTEN.sub(_UNSEEN, " ".join(str(text).split()))
    return _FIRST.sub(r"\1\\\2", _MARKUP.sub(r"\\\g<0>", line))


def lines(text: object) -> Markdown:
    """Like `literal`, but line by line, for messages of several lines."""
    return "  \n".join(literal(line) for line in str(text).splitlines() if line.strip())


def badge(text: object, colour: str = "gray", icon: str = "") -> Markdown:
    """Markdown of a badge that shows exactly this text."""
    return f":{colour}-badge[{icon and f'{icon} '}{literal(text)}]"


def file_name(*parts: str, ending: str = "") -> str:
    """`forecast-shop-Ash-tea.csv`: a file name that is valid on every system, bounded in length, and never hidden."""
    stem = "-".join(_UNNAMEABLE.sub("-", part).strip("-.") for part in parts if part)[:_LONGEST].strip("-.") or "file"
    return f"{stem}.{ending}" if ending else stem
