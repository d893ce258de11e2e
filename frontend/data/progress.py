"""Progress of a pipeline, from its log lines: one share over all stages, which never decreases."""

from collections.abc import Mapping, Sequence
from typing import Any

_DATA, _MODEL, _FIT, _FORECAST = "data", "model", "fit", "forecast"
_STAGES = {
    "etl": (_DATA,),
    "train": (_MODEL, _FIT),
    "inference": (_FORECAST,),
    "monitor": ("monitor",),
    "run_all": (_DATA, _MODEL, _FIT, _FORECAST),
}
_BACKTEST = "backtest "  # followed by a model's name: one stage per model
_ENDED = {  # log messages that end a stage
    "data unchanged": _DATA, "data checked": _DATA, "run finished": _FIT, "training up to date": _FIT,
    "forecasts published": _FORECAST, "forecasts up to date": _FORECAST,
}  # fmt: skip
_COUNTED = {"fit over all series": _FIT, "forecast": _FORECAST}


def share(kind: str, n_models: int, log: Sequence[Mapping[str, Any]]) -> float:
    """Completed share of a pipeline over all its stages; each candidate model is a stage."""
    stages = [stage for stage in _STAGES.get(kind, ()) for _ in range(max(1, n_models) if stage == _MODEL else 1)]
    tried: list[str] = []
    most = 0.0
    for line in log:
        event, place = str(line["event"]), None
        done = line["done"] / line["total"] if line.get("total") and line.get("done") is not None else 0.0
        if event.startswith(_BACKTEST) and _MODEL in stages:
            tried += [event] if event not in tried else []
            place = stages.index(_MODEL) + min(tried.index(event), max(1, n_models) - 1)
        elif (stage := _ENDED.get(event)) in stages:
            place, done = stages.index(stage), 1.0
        elif (stage := _COUNTED.get(event)) in stages:
            place = stages.index(stage)
        if place is not None:
            most = max(most, (place + min(1.0, done)) / len(stages))
    return most
