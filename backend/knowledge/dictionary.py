"""The data dictionary: every column of a workspace, its role in the forecast, and its description."""

from collections.abc import Mapping
from typing import Any

_ROLES = {
    "future": "a future covariate: its values are known in advance, over the whole horizon",
    "past": "a past covariate: its values are known only up to now",
    "static": "a static attribute: it does not change within a series, and series can be filtered and grouped by it",
}
_SUMS = {
    "sum": "Values of the same step are added up.",
    "mean": "Of values of the same step, the mean is taken.",
    "median": "Of values of the same step, the median is taken.",
    "min": "Of values of the same step, the smallest is taken.",
    "max": "Of values of the same step, the largest is taken.",
    "first": "Of values of the same step, the first is taken.",
    "last": "Of values of the same step, the last is taken.",
}


def render(workspace: str, written: Mapping[str, Any], config: Mapping[str, Any]) -> str:
    """The dictionary as markdown. `config` is the settings of the production run, `written` the workspace's files: they
    provide the descriptions, and everything else while there is no run.
    """
    known = config or written
    descriptions = _mapping(written.get("descriptions"))
    target = _mapping(known.get("target"))
    name = str(target.get("name") or "y")
    roles = _roles(known)
    lines = [f"# Data dictionary of workspace {workspace}", "", _panel(known), ""]
    lines += [f"## {name}: the target", "", _target(name, target, descriptions.get(name)), ""]
    for column in dict.fromkeys([*roles, *descriptions]):
        if column != name:
            sentences = [f"`{column}` is {role}." for role in roles.get(column, ["a column of the data"])]
            lines += [f"## {column}", "", " ".join([*sentences, *_said(descriptions.get(column))]), ""]
    return "\n".join(lines).rstrip() + "\n"


def _panel(known: Mapping[str, Any]) -> str:
    sentences = [f"{known['title']}."] if known.get("title") else []
    sentences.append(
        f"The frequency is {known.get('frequency', 'auto')} and times are those of {known.get('timezone', 'UTC')}."
    )
    if known.get("horizon"):
        sentences.append(f"Forecasts reach {known['horizon']} steps ahead (the horizon).")
    if seasons := known.get("season_lengths"):
        sentences.append(f"Seasons have {', '.join(map(str, seasons))} steps.")
    if country := _mapping(known.get("holidays")).get("country"):
        sentences.append(f"Public holidays of {country} are known in advance (a future covariate, holiday).")
    return " ".join(sentences)


def _target(name: str, target: Mapping[str, Any], said: Any) -> str:
    sentences = [f"`{name}` is the target: what is forecast."]
    if target.get("unit"):
        sentences.append(f"Its unit is {target['unit']}.")
    if target.get("non_negative"):
        sentences.append("It is never negative.")
    sentences += [_SUMS[target["aggregate"]]] if target.get("aggregate") in _SUMS else []
    return " ".join([*sentences, *_said(said)])


def _roles(known: Mapping[str, Any]) -> dict[str, list[str]]:
    """The roles of each column; a key may also be an attribute."""
    columns = _mapping(_mapping(known.get("source")).get("columns"))
    roles: dict[str, list[str]] = {}
    for key in _names(columns.get("keys")):
        roles.setdefault(key, []).append("a key column: its value is a part of the name of a series")
    if ds := columns.get("ds"):
        roles.setdefault(str(ds), []).append("the column of the timestamps")
    for kind, names in _mapping(known.get("covariates")).items():
        for column in _names(names):
            roles.setdefault(column, []).append(_ROLES.get(kind, "a covariate"))
    return roles


def _said(text: Any) -> list[str]:
    return [text.strip()] if isinstance(text, str) and text.strip() else []


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _names(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list | tuple) else []
