"""The synthetic shop: repeatable, labelled as synthetic, and as hard as real sales."""

import time
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from pydantic import ValidationError

from pipelines.core.errors import DataError
from pipelines.sources import Raw, retail_demo

END = pd.Timestamp("2024-12-31")
SERIES = ["store", "product"]


def read(**options: object) -> Raw:
    return retail_demo.build(retail_demo.Options.model_validate(options), Path()).read()


@pytest.fixture(scope="module")
def raw() -> Raw:
    return read()


@pytest.fixture(scope="module")
def sold(raw: Raw) -> pd.DataFrame:
    return raw.rows[raw.rows["units"].notna()]


def test_it_says_that_it_is_synthetic(raw: Raw) -> None:
    """Nobody takes these sales for real ones."""
    assert raw.synthetic
    assert raw.origin == "synthetic retail data (seed 7)"


def test_one_seed_gives_one_panel_in_a_second(raw: Raw) -> None:
    """The default panel is made again, equal, in under a second; another seed gives another."""
    started = time.process_time()
    again = read()
    assert time.process_time() - started < 1
    assert_frame_equal(again.rows, raw.rows)
    assert not read(seed=8).rows["units"].equals(raw.rows["units"])


def test_it_has_the_size_that_was_asked_for() -> None:
    """Stores, products and days are as in the options; no series has a day twice."""
    rows = read(stores=14, products=3, days=60, horizon=5, end=date(2024, 2, 29), seed=1).rows
    assert rows.groupby(SERIES).ngroups == 14 * 3
    assert (rows["date"].min(), rows["date"].max()) == (pd.Timestamp("2024-01-01"), pd.Timestamp("2024-03-05"))
    assert not rows.duplicated([*SERIES, "date"]).any()


def test_units_are_counts(sold: pd.DataFrame) -> None:
    """Sales are whole numbers, never negative."""
    assert sold["units"].dtype == "Int64"
    assert sold["units"].min() == 0


def test_price_and_promo_are_known_over_the_horizon_and_units_are_not(raw: Raw) -> None:
    """Every series has every day of the horizon, with its covariates and without its units."""
    future = raw.rows[raw.rows["date"] > END]
    assert len(future) == 240 * 28
    assert future["units"].isna().all()
    assert future[["price", "promo"]].notna().all(axis=None)
    assert raw.rows.loc[raw.rows["date"] <= END, "units"].notna().all()
    assert not read(horizon=0).rows["units"].isna().any()


def test_every_series_ends_on_the_last_day(sold: pd.DataFrame) -> None:
    """Histories end together, so forecasts begin together."""
    assert (sold.groupby(SERIES)["date"].max() == END).all()


def test_weekdays_and_seasons_differ(sold: pd.DataFrame) -> None:
    """Saturdays beat Mondays, and drinks sell better in July than in February."""
    by_day = sold.groupby(sold["date"].dt.dayofweek)["units"].mean()
    assert by_day[5] > 1.2 * by_day[0]
    drinks = sold[sold["category"] == "drinks"]
    by_month = drinks.groupby(drinks["date"].dt.month)["units"].mean()
    assert by_month[7] > 1.2 * by_month[2]


def test_holidays_close_and_crowd_the_shops(sold: pd.DataFrame) -> None:
    """Nothing is sold on Christmas Day, and more drinks than usual on the days before."""
    drinks = sold[sold["category"] == "drinks"].groupby("date")["units"].sum()
    for year in ("2023", "2024"):
        assert drinks[f"{year}-12-25"] == 0
        assert drinks[f"{year}-12-22" : f"{year}-12-24"].mean() > 1.2 * drinks[f"{year}-12-01" : f"{year}-12-14"].mean()


def test_promotions_last_two_weeks_cut_the_price_and_raise_sales(raw: Raw, sold: pd.DataFrame) -> None:
    """A promotion is 14 days long, cheaper than the days around it, and sells more."""
    one = raw.rows[raw.rows["store"] == "Bath"].set_index("date").groupby("product")["promo"]
    lengths = one.apply(lambda promo: promo.groupby((promo != promo.shift()).cumsum()).agg(["sum"])["sum"])
    assert lengths.max() == 14
    sales = sold[sold["units"] > 0].groupby(["product", "promo"])[["price", "units"]].mean().unstack()
    assert (sales["price"][1] < 0.9 * sales["price"][0]).all()
    assert (sales["units"][1] / sales["units"][0]).median() > 1.3


def test_launches_gaps_and_stock_outs_are_there(sold: pd.DataFrame) -> None:
    """Some products start late with no rows, some with zeros; days are lost; fast sellers run out for days."""
    first = sold.groupby("product")["date"].min()
    assert (first > sold["date"].min()).any()
    first_sale = sold[sold["units"] > 0].groupby("product")["date"].min()
    assert ((first_sale - first) > pd.Timedelta(days=60)).any()
    full = sold[sold["product"].isin(first[first == sold["date"].min()].index)]
    assert (full.groupby(SERIES).size() < 730).any()
    fast = full[full.groupby(SERIES)["units"].transform("mean") > 20]
    zeros = fast.assign(zero=fast["units"] == 0).groupby(SERIES)["zero"].rolling(3).sum()
    assert (zeros == 3).any()


def test_some_products_sell_slowly(sold: pd.DataFrame) -> None:
    """Intermittent demand: on most days of a slow mover nothing is sold."""
    share_zero = sold.assign(zero=sold["units"] == 0).groupby("product")["zero"].mean()
    assert 3 <= (share_zero > 0.6).sum() <= 12


def test_stores_differ_in_size(sold: pd.DataFrame) -> None:
    """The largest store sells far more than the smallest."""
    totals = sold.groupby("store")["units"].sum()
    assert totals.max() > 1.5 * totals.min()


def test_unknown_country_is_told() -> None:
    """A country without a calendar is the user's to correct."""
    with pytest.raises(DataError, match="'ZZ' has no holiday calendar"):
        read(country="ZZ")


@pytest.mark.parametrize("options", [{"stores": 0}, {"days": 5}, {"horizon": -1}, {"seed": -1}, {"end": "soon"}])
def test_options_refuse_what_makes_no_panel(options: dict[str, object]) -> None:
    """Sizes are positive and dates are dates."""
    with pytest.raises(ValidationError):
        retail_demo.Options.model_validate(options)
