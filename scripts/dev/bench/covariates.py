"""Value of covariates known in advance: one model on the same windows, with and without promotions and holidays."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from pipelines.tables.schema import MODEL, Y_HAT, Y
from scripts.dev.bench import page, site
from scripts.dev.bench.examples import EXAMPLES
from scripts.dev.bench.site import ROOT

WORKSPACE, ONE_MODEL = "rossmann", "gbm"
WITH, WITHOUT = "with covariates", "without"
VARIABLES = {WITH: {}, WITHOUT: {"FORECAST_COVARIATES__FUTURE": "[]", "FORECAST_COVARIATES__PAST": "[]"}}


@dataclass(frozen=True)
class Found:
    """Error of each variant over the backtest windows, and the seconds of its training."""

    rmspe: dict[str, float]
    seconds: dict[str, float]

    @property
    def gain(self) -> float:
        """Relative reduction of the error by covariates known in advance."""
        return 1 - self.rmspe[WITH] / self.rmspe[WITHOUT]


def run(data: Path, say: Callable[..., None]) -> Found:
    """Runs both variants, each in an empty folder."""
    figures = Found({}, {})
    source = {"FORECAST_SOURCE__PATH": str(data.resolve() / EXAMPLES[WORKSPACE]), "FORECAST_MODELS": f"[{ONE_MODEL}]"}
    for name, variables in VARIABLES.items():
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            config = {"FORECAST_CONFIG_DIR": str(ROOT / "tests/examples")}
            ran = site.run(folder, WORKSPACE, {**config, **source, **variables})
            rows = pd.read_parquet(next(folder.glob("artifacts/*/runs/*/backtest.parquet")))
        figures.rmspe[name] = rmspe(rows[rows[MODEL] == ONE_MODEL])
        figures.seconds[name] = ran.seconds["train"]
        say("measured", variant=name, rmspe=figures.rmspe[name], seconds=figures.seconds[name])
    return figures


def rmspe(rows: pd.DataFrame) -> float:
    """√ mean ((y − ŷ) / y)² over the points where y is not 0: the metric of the Rossmann competition. Unitless."""
    sold = rows[rows[Y] != 0]
    return float(np.sqrt((((sold[Y] - sold[Y_HAT]) / sold[Y]) ** 2).mean()))


def write_page(path: Path, figures: Found) -> None:
    """Writes the figures as a page."""
    rows = [[name, f"{figures.rmspe[name]:.4f}", f"{figures.seconds[name]:.0f}"] for name in figures.rmspe]
    paragraphs = [
        f"1,115 drug stores, 42 days ahead, two windows, the model `{ONE_MODEL}` alone: with opening days, promotions, holidays "
        f"and past customers its RMSPE is {100 * figures.gain:.0f} % lower. {page.machine()}",
        page.table(["variant", "RMSPE", "train s"], rows),
        "RMSPE is over the days with sales. The covariates of the test days are those that came true: plans that were known.",
    ]
    page.write(path, "What covariates are worth", paragraphs, [page.Bars("RMSPE (lower is better)", figures.rmspe)])
