"""What others would have forecast at the same time: the baseline, the run before, and the canary, on a share of series.

They are kept with each forecast set, before the actuals come: nobody can be wise after the event.
"""

import zlib
from collections.abc import Iterator
from typing import Any

import pandas as pd

from pipelines.forecasting import payload, prepare
from pipelines.forecasting.evaluation.backtest import at_zero
from pipelines.forecasting.evaluation.candidates import build
from pipelines.forecasting.panel import Panel
from pipelines.forecasting.predict import Predictor
from pipelines.forecasting.settings import Workspace
from pipelines.forecasting.thresholds import Comparison
from pipelines.runs.aliases import PRODUCTION
from pipelines.storage.catalog import Reader
from pipelines.tables.schema import BASELINE, CANARY, KEY, MODEL, PREVIOUS, Y_HAT

COLUMNS = [*KEY, MODEL, Y_HAT]


def forecasts(
    reader: Reader, name: str, run_id: str, panel: Panel, workspace: Workspace, settings: Comparison
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """`unique_id, ds, model, y_hat` of the models `seasonal_naive`, `previous` and `canary`, and which runs these are.

    `panel` is what the run `run_id` forecasts by `workspace`, its settings. A run that cannot forecast the newest data is
    named with the reason, and stops nothing.
    """
    horizon = workspace.horizon or 1
    naive = build(BASELINE, workspace)().fit(panel).predict(panel, horizon)
    parts, told = [naive.assign(**{MODEL: BASELINE})], dict[str, Any]()
    for rival, other in _runs(reader, name, run_id):
        told[rival] = {"run_id": other}
        try:
            rows = _forecast(reader, name, other, sample(panel.ids, settings), horizon)
        except Exception as error:  # noqa: BLE001 - old models under new code raise anything, and the forecasts must be published
            told[rival]["reason"] = f"{type(error).__name__}: {error}"
        else:
            parts.append(rows.assign(**{MODEL: rival}))
    table = pd.concat(parts)[COLUMNS].sort_values([*KEY, MODEL], ignore_index=True)
    return at_zero(table, workspace.target.non_negative), told


def sample(ids: list[str], settings: Comparison) -> list[str]:
    """The series that rivals forecast too: always the same ones, by a checksum of their names."""
    n = max(settings.least, round(settings.share * len(ids)))
    return sorted(sorted(ids, key=lambda name: zlib.crc32(name.encode()))[:n])


def _runs(reader: Reader, name: str, run_id: str) -> Iterator[tuple[str, str]]:
    """The rivals that there are, and their runs."""
    aliases = reader.pointers(name)["aliases"]
    found = {PREVIOUS: aliases.get(PRODUCTION, {}).get("previous"), CANARY: aliases.get(CANARY, {}).get("run_id")}
    yield from ((rival, other) for rival, other in found.items() if other and other != run_id)


def _forecast(reader: Reader, name: str, run_id: str, ids: list[str], horizon: int) -> pd.DataFrame:
    """What a run forecasts from the newest data, as it would be published."""
    run = reader.run(name, run_id)
    workspace = payload.workspace_of(run)
    predictor = Predictor.of(run, ids)
    panel = prepare.read(reader.dataset(name), workspace, predictor.members, ids)
    return predictor.forecast(panel, horizon)
