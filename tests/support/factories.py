"""Small panels and workspaces that tests share."""

from typing import Any

import numpy as np
import pandas as pd

from pipelines.forecasting.panel import Panel
from pipelines.forecasting.settings import Workspace


def panel(
    n: int = 60,
    ids: tuple[str, ...] = ("a", "b", "c"),
    season_length: int = 7,
    frequency: str = "D",
    future: tuple[str, ...] = (),
    ahead: int = 0,
) -> Panel:
    """Seasonal series with noise, each with its own level; `ahead` further steps have their covariates only.

    `price` pulls the target down and `event` ("fair" or nothing) lifts it, where they are asked for.
    """
    rng = np.random.default_rng(5)
    ds = pd.date_range("2024-01-01", periods=n + ahead, freq=frequency)
    parts = []
    for number, name in enumerate(ids, start=1):
        price, fair = rng.uniform(1, 2, n + ahead), rng.random(n + ahead) < 0.2
        y = 10.0 * number + 3 * np.sin(2 * np.pi * np.arange(n + ahead) / season_length) + rng.normal(0, 0.3, n + ahead)
        y = y - 4 * price * ("price" in future) + 5 * fair * ("event" in future)
        event = [("fair" if one else None) for one in fair]
        parts.append(pd.DataFrame({"unique_id": name, "ds": ds, "y": y, "price": price, "event": event}))
    rows = pd.concat(parts, ignore_index=True)
    columns = ["unique_id", "ds", *future]
    past = rows["ds"] < ds[n] if ahead else rows["ds"].notna()
    history = rows.loc[past, [*columns[:2], "y", *future]].reset_index(drop=True)
    known = rows.loc[~past, columns].reset_index(drop=True) if future else None
    return Panel(history, frequency, (season_length,), future, known=known)


def workspace(frequency: str = "D", source: dict[str, Any] | None = None, **settings: Any) -> Workspace:
    """A workspace `shop` of a file that nobody reads; `source` and `settings` are as in its YAML."""
    return Workspace.model_validate(
        {
            "name": "shop",
            "source": {"kind": "file", "path": "sales.csv", **(source or {})},
            "frequency": frequency,
            **settings,
        }
    )


def one_series(values: Any, season_lengths: tuple[int, ...] = (1,), frequency: str = "D") -> Panel:
    """A panel of the series `a` with these values."""
    ds = pd.date_range("2024-01-01", periods=len(values), freq=frequency)
    history = pd.DataFrame({"unique_id": "a", "ds": ds, "y": np.asarray(values, dtype=float)})
    return Panel(history, frequency, season_lengths)


def hourly(n: int) -> Any:
    """Values of a day within a week, on a slow line, with noise: 10 sin of the day, 6 sin of the week, around 100."""
    steps = np.arange(n)
    day, week = 10 * np.sin(2 * np.pi * steps / 24), 6 * np.sin(2 * np.pi * steps / 168)
    return 100 + 0.01 * steps + day + week + np.random.default_rng(3).normal(0, 0.5, n)
