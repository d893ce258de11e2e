"""Real series contained in installed libraries, for trying everything without a network."""

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from pipelines.core.layers import Strict
from pipelines.sources import Raw, Source
from pipelines.tables.schema import DS, UNIQUE_ID, Y

Dataset = Literal[
    "airpassengers",
    "ausbeer",
    "austres",
    "co2",
    "elec_equip",
    "lynx",
    "macrodata",
    "nile",
    "sunspots",
    "taylor",
    "wineind",
    "woolyrnq",
    "monthly_classics",
    "quarterly_classics",
]


@dataclass(frozen=True)
class Facts:
    """Metadata of a data set; the libraries contain most of them without dates."""

    about: str
    unit: str
    frequency: str
    start: str
    library: Literal["pmdarima", "statsmodels"] = "pmdarima"
    column: str = ""


SERIES = {
    "airpassengers": Facts("International airline passengers", "thousands", "MS", "1949-01-01"),
    "ausbeer": Facts("Beer production of Australia", "megalitres", "QS", "1956-01-01"),
    "austres": Facts("Residents of Australia", "thousands", "QS", "1971-04-01"),
    "co2": Facts("Carbon dioxide in the air of Mauna Loa", "ppmv", "W-SAT", "1958-03-29", "statsmodels", "co2"),
    "elec_equip": Facts(
        "Turnover of electrical equipment makers in the euro area",
        "index",
        "MS",
        "1995-01-01",
        "statsmodels",
        "STS.M.I7.W.TOVT.NS0016.4.000",
    ),
    "lynx": Facts("Lynx trapped in Canada", "animals", "YS", "1821-01-01"),
    "macrodata": Facts(
        "Real gross domestic product of the United States",
        "billion 2005 USD",
        "QS",
        "1959-01-01",
        "statsmodels",
        "realgdp",
    ),
    "nile": Facts("Flow of the Nile at Aswan", "10^8 m³", "YS", "1871-01-01", "statsmodels", "volume"),
    "sunspots": Facts("Mean relative sunspot number", "sunspots", "MS", "1749-01-01"),
    "taylor": Facts("Electricity demand of England and Wales", "MW", "30min", "2000-06-05"),
    "wineind": Facts("Wine sold by Australian makers", "bottles up to 1 l", "MS", "1980-01-01"),
    "woolyrnq": Facts("Woollen yarn produced in Australia", "tonnes", "QS", "1965-01-01"),
}
PANELS = {"monthly_classics": "MS", "quarterly_classics": "QS"}


class Options(Strict):
    dataset: Dataset


@dataclass(frozen=True)
class PackagedSource:
    options: Options

    def read(self) -> Raw:
        """The series of the data set: `unique_id, ds, y`, with local times of the place."""
        name = self.options.dataset
        names = [one for one, facts in SERIES.items() if facts.frequency == PANELS[name]] if name in PANELS else [name]
        rows = pd.concat([_series(one) for one in names], ignore_index=True)
        about = [f"{one}: {SERIES[one].about}, {SERIES[one].unit}, {SERIES[one].frequency}" for one in names]
        libraries = sorted({SERIES[one].library for one in names})
        return Raw(rows, f"data set {name}, real, from {' and '.join(libraries)}", notes=tuple(about))


def build(options: Options, data_dir: Path) -> Source:
    return PackagedSource(options)


def _series(name: str) -> pd.DataFrame:
    facts = SERIES[name]
    y = _values(name, facts)
    y = y.loc[: y.last_valid_index()]  # ausbeer ends with an unobserved quarter
    ds = pd.date_range(facts.start, periods=len(y), freq=facts.frequency)
    return pd.DataFrame({UNIQUE_ID: name, DS: ds, Y: y.to_numpy()})


def _values(name: str, facts: Facts) -> pd.Series:
    if facts.library == "pmdarima":
        return pd.Series(getattr(importlib.import_module("pmdarima.datasets"), f"load_{name}")(), dtype=float)
    module = importlib.import_module(f"statsmodels.datasets.{name}")
    y: pd.Series = module.load_pandas().data[facts.column]
    return y.astype(float).reset_index(drop=True)
