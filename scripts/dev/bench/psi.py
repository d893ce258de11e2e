"""Drift of as many series as M5 has, as a program: `python -m scripts.dev.bench.psi N SEED FILE` writes the figures."""

import json
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

from pipelines.forecasting.monitoring import drift
from pipelines.forecasting.panel import Panel
from pipelines.forecasting.thresholds import Drift, Evidence
from pipelines.tables.schema import DS, UNIQUE_ID, Y

DAYS, H = 447, 28
FEATURES = 3  # the target, a price and a promotion


def panel(n: int, seed: int) -> Panel:
    """Synthetic sales with a weekly season, a price and a promotion, without drift."""
    rng, days = np.random.default_rng(seed), pd.date_range("2015-01-01", periods=DAYS)
    week = 1 + 0.3 * np.sin(np.arange(DAYS) * 2 * np.pi / 7)
    history = pd.DataFrame(
        {
            UNIQUE_ID: np.repeat([f"s{number:06d}" for number in range(n)], DAYS),
            DS: np.tile(days.to_numpy(), n),
            Y: rng.poisson(rng.gamma(0.8, 2.0, n)[:, None] * week, (n, DAYS)).ravel().astype(float),
            "price": rng.gamma(9, 0.5, n * DAYS).round(2),
            "promo": (rng.random(n * DAYS) < 0.1).astype(float),
        }
    )
    return Panel(history, "D", (7,), future=("price", "promo"), horizon=H)


def main() -> None:
    n, seed = int(sys.argv[1]), int(sys.argv[2])
    made = panel(n, seed)
    start = time.perf_counter()
    trained_to = pd.Timestamp(made.history[DS].iloc[DAYS - 2 * H - 1])
    table = drift.drift(made, trained_to, pd.DataFrame(columns=drift.COLUMNS), Drift(), Evidence())
    figures = {
        "seconds": time.perf_counter() - start,
        "tests": len(table),
        **{status: int((table["status"] == status).sum()) for status in ("warn", "alert")},
    }
    Path(sys.argv[3]).write_text(json.dumps(figures))


if __name__ == "__main__":
    main()
