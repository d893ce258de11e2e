"""Alternative forecasts at the same time, for a sample of series: from the baseline, the previous run and the canary.

They are stored with each forecast set before actuals arrive, so that the comparison has no hindsight.
"""

import zlib
from collections.abc import Iterator

import pandas as pd

from pipelines.forecasting import payload, prepare
from pipelines.forecasting.evaluation.backtest import at_zero
from pipelines.forecasting.evaluation.candidates import build
from pipelines.forecasting.panel import Panel
from pipelines.forecasting.predict import Predictor
from pipelines.forecasting.settings import Workspace
from pipelines.forecasting.thresholds import Comparison
from pipelines.storage.catalog import Reader
from pipelines.storage.pointers import Aliases
from pipelines.storage.records import Other
from pipelines.tables.schema import BASELINE, CANARY, KEY, MODEL, PREVIOUS, Y_HAT

COLUMNS = [*KEY, MODEL, Y_HAT]


def forecasts(
    reader: Reader, name: str, run_id: str, panel: Panel, workspace: Workspace, settings: Comparison
) -> tuple[pd.DataFrame, dict[str, Other]]:
    """`unique_id, ds, model, y_hat` of the models `seasonal_naive`, `previous` and `canary`, and the runs behind them.

    `panel` is the input of the run `run_id`, `workspace` its settings. A run that cannot forecast the newest data is
    listed with the reason and does not raise.
    """
    horizon = workspace.horizon or 1
    naive = build(BASELINE, workspace)().fit(panel).predict(panel, horizon)
    parts, told = [naive.assign(**{MODEL: BASELINE})], dict[str, Other]()
    for rival, other in _runs(reader, name, run_id):
        told[rival] = Other(run_id=other)
        try:
            rows = _forecast(reader, name, other, sample(panel.ids, settings), horizon)
        except Exception as error:  # noqa: BLE001 - old models under new code can raise anything; publishing must go on
            told[rival] = Other(run_id=other, reason=f"{type(error).__name__}: {error}")
        else:
            parts.append(rows.assign(**{MODEL: rival}))
    table = pd.concat(parts)[COLUMNS].sort_values([*KEY, MODEL], ignore_index=True)
    return at_zero(table, workspace.target.non_negative), told


def rivals(pointers: Aliases) -> dict[str, str]:
    """The runs that production is compared with, by role: the previous run and the canary."""
    production, canary = pointers.production, pointers.aliases.get(CANARY)
    run_ids = {PREVIOUS: production and production.previous, CANARY: canary and canary.run_id}
    return {role: str(run_id) for role, run_id in run_ids.items() if run_id}


def sample(ids: list[str], settings: Comparison) -> list[str]:
    """The series that rivals also forecast: a fixed sample by a checksum of the names."""
    n = max(settings.least, round(settings.share * len(ids)))
    return sorted(sorted(ids, key=lambda name: zlib.crc32(name.encode()))[:n])


def _runs(reader: Reader, name: str, run_id: str) -> Iterator[tuple[str, str]]:
    """The existing rivals and their runs."""
    for rival, other in rivals(reader.pointers(name)).items():
        if other != run_id:
            yield rival, other


def _forecast(reader: Reader, name: str, run_id: str, ids: list[str], horizon: int) -> pd.DataFrame:
    """The forecasts of a run from the newest data, as they would be published."""
    run = reader.run(name, run_id)
    workspace = payload.workspace_of(run)
    predictor = Predictor.of(run, ids)
    panel = prepare.read(reader.dataset(name), workspace, predictor.members, ids)
    return predictor.forecast(panel, horizon)
