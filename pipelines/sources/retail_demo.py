"""Synthetic unit sales of a chain of shops, from a seed, with the difficulties of real panels."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field, NonNegativeInt, PositiveInt

from pipelines.core.errors import DataError, did_you_mean
from pipelines.core.layers import Strict
from pipelines.sources import Raw, Source

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_TOWNS = (
    "Bath",
    "Cardiff",
    "Derby",
    "Exeter",
    "Leeds",
    "Oxford",
    "Perth",
    "York",
    "Bristol",
    "Durham",
    "Lincoln",
    "Truro",
)
_PROMO_DAYS = 14


@dataclass(frozen=True)
class Category:
    name: str
    week: tuple[float, ...]  # Monday to Sunday
    summer: float  # how much more is sold in July than in January
    holiday: float  # factor on holidays and the three days before
    elasticity: float
    price: float


_CATEGORIES = (
    Category("bakery", (0.90, 0.88, 0.92, 0.97, 1.10, 1.28, 0.95), 0.04, 1.25, 1.3, 2.2),
    Category("dairy", (1.00, 0.95, 0.95, 1.00, 1.08, 1.15, 0.87), -0.05, 1.15, 0.9, 1.8),
    Category("drinks", (0.80, 0.80, 0.85, 0.98, 1.25, 1.42, 0.90), 0.30, 1.50, 1.8, 3.5),
    Category("frozen", (0.90, 0.90, 0.95, 1.00, 1.10, 1.25, 0.90), 0.22, 1.05, 1.5, 4.0),
    Category("household", (1.00, 0.95, 0.95, 0.95, 1.00, 1.20, 0.95), 0.00, 0.85, 2.0, 5.5),
)


class Options(Strict):
    stores: PositiveInt = 8
    products: PositiveInt = 30
    days: Annotated[int, Field(ge=28, le=36_500)] = 730
    end: date = date(2024, 12, 31)  # the last day with sales
    horizon: Annotated[int, Field(ge=0, le=3_650)] = 28  # days after `end` with price and promo known, units not
    seed: NonNegativeInt = 7
    country: str = "GB"  # whose holidays raise sales


@dataclass(frozen=True)
class RetailDemoSource:
    options: Options

    def read(self) -> Raw:
        """One row per store, product and day; days before a launch and some lost days are missing, as in practice."""
        o = self.options
        rng = np.random.default_rng(o.seed)
        ds = pd.date_range(pd.Timestamp(o.end) - pd.Timedelta(days=o.days - 1), periods=o.days + o.horizon)
        kinds = np.arange(o.products) % len(_CATEGORIES)
        price, promo, list_price = _prices(rng, kinds, len(ds))
        rate = _rates(rng, o.stores, kinds, ds, _holidays(ds, o.country)) * _response(kinds, price, promo, list_price)
        before, unlisted = _launches(rng, rate.shape, o.days)
        sold_out, lost = _stock_outs(rng, rate.shape, o.days)
        units = np.where(before | sold_out, 0, _counts(rng, rate))
        rows = _rows(o, ds, kinds, units, price, promo)[~(unlisted | lost).ravel()].reset_index(drop=True)
        notes = (f"{o.stores} stores, {o.products} products; price and promo are known {o.horizon} days ahead",)
        return Raw(rows, f"synthetic retail data (seed {o.seed})", synthetic=True, notes=notes)


def build(options: Options, data_dir: Path) -> Source:
    return RetailDemoSource(options)


def _holidays(ds: pd.DatetimeIndex, country: str) -> tuple[Bools, Bools]:
    """Masks of days on or just before a holiday, and of Christmas Days with closed shops; each of shape (days,)."""
    import holidays

    try:
        calendar = holidays.country_holidays(country, years=range(ds[0].year, ds[-1].year + 2))
    except NotImplementedError:
        valid = holidays.list_supported_countries()
        raise DataError(
            f"source.country: '{country}' has no holiday calendar{did_you_mean(country, valid)}",
            code="unknown_country",
            field="source.country",
            found=country,
            remedy="Use a code such as GB, DE or US.",
        ) from None
    free = pd.DatetimeIndex(list(calendar))
    near = np.logical_or.reduce([(ds + pd.Timedelta(days=ahead)).isin(free) for ahead in range(4)])
    return near, ds.isin(free) & (ds.month == 12) & (ds.day == 25)


def _prices(rng: np.random.Generator, kinds: npt.NDArray[np.int64], days: int) -> tuple[Floats, Bools, Floats]:
    """Price and promotion of shape (products, days), and the first list price of shape (products,).

    List prices rise once a year; a promotion lasts two weeks, cuts 15 to 35 %, and never follows another directly.
    """
    n, blocks = len(kinds), days // _PROMO_DAYS + 2
    first = np.array([_CATEGORIES[kind].price for kind in kinds]) * rng.lognormal(0, 0.35, n)
    planned = rng.random((n, blocks)) < 0.12
    planned[:, 1:] &= ~planned[:, :-1]
    block = (np.arange(days) + rng.integers(0, _PROMO_DAYS, (n, 1))) // _PROMO_DAYS
    promo = np.take_along_axis(planned, block, axis=1)
    cut = np.take_along_axis(rng.uniform(0.15, 0.35, (n, blocks)), block, axis=1)
    rises = (np.arange(days) + rng.integers(0, 365, (n, 1))) // 365
    level = first[:, None] * (1 + rng.uniform(0, 0.05, (n, 1))) ** rises
    return np.round(level * np.where(promo, 1 - cut, 1), 2), promo, first


def _response(kinds: npt.NDArray[np.int64], price: Floats, promo: Bools, list_price: Floats) -> Floats:
    """How price and promotion change demand, shape (products, days): constant elasticity, and a lift from displays."""
    elasticity = np.array([_CATEGORIES[kind].elasticity for kind in kinds])[:, None]
    response: Floats = (price / list_price[:, None]) ** -elasticity * np.where(promo, 1.25, 1.0)
    return response


def _rates(
    rng: np.random.Generator,
    stores: int,
    kinds: npt.NDArray[np.int64],
    ds: pd.DatetimeIndex,
    holidays: tuple[Bools, Bools],
) -> Floats:
    """Expected units at list price, shape (stores, products, days); a fifth of the products sells less than daily."""
    n, days = len(kinds), len(ds)
    near, closed = holidays
    categories = [_CATEGORIES[kind] for kind in kinds]
    base = np.where(rng.random(n) < 0.2, rng.uniform(0.05, 0.4, n), rng.lognormal(np.log(9), 0.6, n))
    fit = rng.lognormal(0, 0.4, (stores, 1)) * rng.lognormal(0, 0.25, (stores, n))  # size of the store, local taste
    trend = np.exp(rng.normal(0.03, 0.12, (n, 1)) * np.arange(days) / 365)
    week = np.array([category.week for category in categories])[:, ds.dayofweek]
    july = np.cos(2 * np.pi * (ds.dayofyear.to_numpy() - 200) / 365.25)
    year = 1 + np.array([[category.summer] for category in categories]) * july
    festive = np.array([[category.holiday] for category in categories]) ** near
    weather = rng.lognormal(0, 0.08, (stores, 1, days))
    rate: Floats = (fit * base)[:, :, None] * (trend * week * year * festive)[None] * weather * ~closed
    return rate


def _counts(rng: np.random.Generator, rate: Floats) -> npt.NDArray[np.int64]:
    """Negative binomial counts around `rate`: overdispersed compared with Poisson, like real sales."""
    dispersion = 8.0
    counts: npt.NDArray[np.int64] = rng.poisson(rate * rng.gamma(dispersion, 1 / dispersion, rate.shape))
    return counts


def _launches(rng: np.random.Generator, shape: tuple[int, ...], days: int) -> tuple[Bools, Bools]:
    """Masks of days before a product's launch, and of those without rows; both of `shape`.

    One product in eight is launched later; half of these have rows with zeros before.
    """
    products = shape[1]
    start = np.zeros(products, dtype=int)
    new = rng.permutation(products)[: products // 8]
    start[new] = rng.integers(int(days * 0.15), int(days * 0.6), len(new))
    before = np.broadcast_to(np.arange(shape[2]) < start[:, None], shape)
    return before, before & np.isin(np.arange(products), new[::2])[:, None]


def _stock_outs(rng: np.random.Generator, shape: tuple[int, ...], days: int) -> tuple[Bools, Bools]:
    """Masks of stock-outs and of lost rows, both of `shape`; every series keeps its last day."""
    starts = rng.random(shape) < 1.5 / 365
    length = rng.integers(2, 10, shape)
    unrecorded = rng.random(shape) < 0.3
    out, lost = np.zeros(shape, dtype=bool), rng.random(shape) < 0.002
    for day in range(min(int(length.max()), shape[2])):
        running = (starts & (length > day))[:, :, : shape[2] - day]
        out[:, :, day:] |= running
        lost[:, :, day:] |= running & unrecorded[:, :, : shape[2] - day]
    past = np.arange(shape[2]) < days
    return out & past, lost & past & (np.arange(shape[2]) != days - 1)


def _rows(
    o: Options,
    ds: pd.DatetimeIndex,
    kinds: npt.NDArray[np.int64],
    units: npt.NDArray[np.int64],
    price: Floats,
    promo: Bools,
) -> pd.DataFrame:
    """All stores, products and days as rows, in this order; units are null after the last day with sales."""
    names = [*_TOWNS, *(f"store-{number}" for number in range(len(_TOWNS) + 1, o.stores + 1))][: o.stores]
    category = np.array([_CATEGORIES[kind].name for kind in kinds], dtype=object)
    product = np.array([f"{_CATEGORIES[kind].name}-{at // len(_CATEGORIES) + 1:02d}" for at, kind in enumerate(kinds)])
    known = np.tile(np.arange(len(ds)) < o.days, o.stores * o.products)
    return pd.DataFrame(
        {
            "store": np.repeat(np.array(names, dtype=object), o.products * len(ds)),
            "product": np.tile(np.repeat(product.astype(object), len(ds)), o.stores),
            "category": np.tile(np.repeat(category, len(ds)), o.stores),
            "date": np.tile(ds.to_numpy(), o.stores * o.products),
            "units": pd.Series(units.ravel(), dtype="Int64").where(known),
            "price": np.tile(price.ravel(), o.stores),
            "promo": np.tile(promo.ravel().astype(int), o.stores),
        }
    )
