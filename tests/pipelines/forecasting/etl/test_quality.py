import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipelines.core.errors import DataError
from pipelines.forecasting.etl import clean, load, profile, quality
from pipelines.forecasting.etl.clean import Cleaned
from pipelines.forecasting.etl.quality import Check, Quality
from pipelines.forecasting.settings import Workspace
from tests.support.factories import workspace

AS_OF = pd.Timestamp("2024-03-01")
SOURCE = {"columns": {"ds": "ds", "y": "y", "keys": ["unique_id"]}}


def rows(n: int = 40, name: str = "a", **columns: Any) -> pd.DataFrame:
    """A daily series that ends on 9 February 2024 and rises a little."""
    ds = pd.date_range("2024-01-01", periods=n).strftime("%Y-%m-%d")
    return pd.DataFrame({"ds": ds, "y": 10.0 + np.arange(n) % 7, "unique_id": name}).assign(**columns)


def check(raw: pd.DataFrame, change: Callable[[Cleaned], Cleaned] = lambda found: found, **settings: Any) -> Quality:
    spec: Workspace = workspace(settings.pop("frequency", "D"), SOURCE, **{"horizon": 7, **settings})
    loaded = load.load(raw, spec)
    cleaned = change(clean.clean(loaded, spec, AS_OF))
    series = profile.profile(cleaned.observations, cleaned.spans, list(spec.covariates.static), 7)
    return quality.check(cleaned, series, loaded.rejected, spec.complete("D"), AS_OF)


def named(found: Quality, name: str) -> Check:
    return next(check for check in found.checks if check.name == name)


def with_y(position: int, value: Any) -> Callable[[Cleaned], Cleaned]:
    def change(cleaned: Cleaned) -> Cleaned:
        y = cleaned.observations["y"].mask(cleaned.observations.index == position, value)
        return replace(cleaned, observations=cleaned.observations.assign(y=y))

    return change


def twice(cleaned: Cleaned) -> Cleaned:
    observations = cleaned.observations
    return replace(cleaned, observations=pd.concat([observations, observations.tail(1)], ignore_index=True))


def one_row_less(cleaned: Cleaned) -> Cleaned:
    return replace(cleaned, counts={**cleaned.counts, "rows_kept": cleaned.counts["rows_kept"] - 1})


def unreadable(count: int) -> pd.DataFrame:
    raw = rows(100)
    return raw.assign(ds=raw["ds"].mask(raw.index < count, "soon"))


PRICE = {"covariates": {"future": ["price"]}}
REGION = {"covariates": {"static": ["region"]}}
SPARSE = rows(100).iloc[[0, 1, 2, 30, 31, 60, *range(61, 93), 99]]
FLAT = pd.concat([rows(), rows(name="b", y=3.0)])


@pytest.mark.parametrize(
    ("name", "status", "message", "count", "found"),
    [
        ("schema", "pass", "as the tables promise", 0, lambda: check(rows())),
        ("schema", "fail", "break the table's contract", 1, lambda: check(rows(), with_y(3, np.inf))),
        ("schema", "fail", "break the table's contract", 2, lambda: check(rows(), twice)),
        ("rejected", "pass", "every row could be read", 0, lambda: check(rows())),
        (
            "rejected",
            "warn",
            "2 of 100 rows (2.0 %). Rejected: 2 × unreadable date (row 1: ds='soon'",
            2,
            lambda: check(unreadable(2)),
        ),
        ("rejected", "fail", "More than quality.max_rejected = 5.0 % allows", 9, lambda: check(unreadable(9))),
        ("rejected", "warn", "9 of 100 rows", 9, lambda: check(unreadable(9), quality={"max_rejected": 0.1})),
        ("balance", "pass", "100 in = 98 kept + 0 merged + 2 rejected", 0, lambda: check(unreadable(2))),
        ("balance", "fail", "40 in = 39 kept", 1, lambda: check(rows(), one_row_less)),
        ("duplicates", "pass", "0 rows repeat", 0, lambda: check(rows())),
        (
            "duplicates",
            "warn",
            "5 rows repeat a series and timestamp; 5 rows were merged by sum",
            5,
            lambda: check(pd.concat([rows(), rows(5)])),
        ),
        ("grid", "pass", "0 rows lay off the D grid", 0, lambda: check(rows())),
        (
            "grid",
            "pass",
            "1 rows lay off the D grid",
            1,
            lambda: check(rows().replace("2024-01-03", "2024-01-03 10:00")),
        ),
        ("grid", "warn", "1 series step more widely", 0, lambda: check(pd.concat([rows(), rows(50, "b").iloc[::7]]))),
        ("gaps", "pass", "0 steps were missing (policy: leave)", 0, lambda: check(rows())),
        (
            "gaps",
            "pass",
            "4 steps were missing (policy: zero); 0 of 40 are empty now",
            4,
            lambda: check(rows().drop(index=[3, 4, 5, 9]), missing={"gaps": "zero"}),
        ),
        (
            "gaps",
            "pass",
            "7 steps were missing (policy: leave); 7 of 40",
            7,
            lambda: check(rows().drop(index=range(3, 10))),
        ),
        (
            "gaps",
            "warn",
            "9 steps were missing (policy: leave); 9 of 40",
            9,
            lambda: check(rows().drop(index=range(3, 12))),
        ),
        (
            "gaps",
            "warn",
            "0 steps were missing (policy: leave); 9 of 40",
            0,
            lambda: check(rows(y=[1.0] + [None] * 9 + [2.0] * 30)),
        ),
        (
            "gaps",
            "fail",
            "The frequency D is a guess from the most common step. Set frequency",
            61,
            lambda: check(SPARSE, frequency="auto"),
        ),
        ("gaps", "warn", "61 steps were missing", 61, lambda: check(SPARSE)),
        ("length", "pass", "0 series are too short", 0, lambda: check(rows())),
        (
            "length",
            "warn",
            "1 series are too short to be backtested over 7 steps",
            1,
            lambda: check(pd.concat([rows(), rows(5, "b")])),
        ),
        (
            "length",
            "fail",
            "the longest series has 8 observations. Set horizon to at most 6",
            1,
            lambda: check(rows(8)),
        ),
        ("constant", "pass", "0 series never change", 0, lambda: check(rows())),
        ("constant", "warn", "1 series never change", 1, lambda: check(FLAT)),
        ("outliers", "pass", "0 values lie far", 0, lambda: check(rows())),
        ("outliers", "warn", "1 values lie far outside", 1, lambda: check(rows(), with_y(3, 1e6))),
        ("launches", "pass", "0 series begin with zeros", 0, lambda: check(rows())),
        (
            "launches",
            "pass",
            "1 series begin with zeros",
            1,
            lambda: check(rows(y=[0.0] * 5 + [1.0, 2.0] * 17 + [3.0]), target={"non_negative": True}),
        ),
        ("incomplete_period", "pass", "the last period is complete", 0, lambda: check(rows())),
        ("incomplete_period", "warn", "2024-03-01 00:00 is not complete", 1, lambda: check(rows(61))),
        ("freshness", "pass", "the newest value is of 2024-02-09, 21 days old", 21, lambda: check(rows())),
        (
            "freshness",
            "warn",
            "Older than quality.max_age_days = 20",
            21,
            lambda: check(rows(), quality={"max_age_days": 20}),
        ),
        ("freshness", "pass", "21 days old", 21, lambda: check(rows(), quality={"max_age_days": 21})),
        ("covariate price", "pass", "0 of 40 steps", 0, lambda: check(rows(price=2.0), **PRICE)),
        ("covariate price", "warn", "1 of 40 steps", 1, lambda: check(rows(price=[None] + [1.0] * 39), **PRICE)),
        ("covariate price", "fail", "40 of 40 steps", 40, lambda: check(rows(price=None), **PRICE)),
        ("attribute region", "pass", "0 series change", 0, lambda: check(rows(region="n"), **REGION)),
        (
            "attribute region",
            "warn",
            "1 series change this attribute",
            1,
            lambda: check(rows(region=["n"] + ["s"] * 39), **REGION),
        ),
    ],
)
def test_each_check_has_its_verdict(
    name: str, status: str, message: str, count: int, found: Callable[[], Quality]
) -> None:
    """Pass, warn or fail, with what was found and how often."""
    verdict = named(found(), name)
    assert (verdict.status, verdict.count) == (status, count)
    assert message in verdict.text


def test_examples_name_series_and_rows() -> None:
    """So that a person can look at them; at most five."""
    assert named(check(FLAT), "constant").examples == ("b",)
    assert named(check(unreadable(9)), "rejected").examples == tuple(f"row {n}: unreadable date" for n in range(1, 6))
    assert named(check(rows(), with_y(3, np.inf)), "schema").examples == ("y: finite (inf)",)
    assert named(check(pd.concat([rows(), rows(50, "b").iloc[::7]])), "grid").examples == ("b",)


def test_the_worst_status_is_the_status() -> None:
    """Fail before warn before pass."""
    assert check(rows()).status == "pass"
    assert check(unreadable(2)).status == "warn"
    assert check(unreadable(9)).status == "fail"


def test_a_failure_names_every_failed_check_and_the_report() -> None:
    """One message with all of them; warnings stop nothing."""
    check(unreadable(2)).raise_on_failure("quality.json")
    with pytest.raises(DataError) as error:
        check(unreadable(9), one_row_less).raise_on_failure("data/quality.json")
    message = str(error.value)
    assert message.startswith("the data failed 2 of 12 checks:\n  - rejected: 9 of 100 rows")
    assert "\n  - balance: 100 in = 90 kept" in message
    assert message.endswith("Report: data/quality.json")
    rejected, balance = error.value.members()["errors"]
    assert (rejected["code"], rejected["found"]) == ("check_failed", {"check": "rejected", "count": 9, "total": 100})
    assert rejected["message"].endswith(rejected["remedy"])
    assert balance["found"]["check"] == "balance"


def test_the_report_is_plain_json() -> None:
    """Whatever was found, every count is a number and every example a text."""
    for found in (
        check(rows()),
        check(unreadable(9), with_y(3, np.inf)),
        check(rows(price=None, region=None), **PRICE),
    ):
        report = found.as_json()
        assert json.loads(json.dumps(report, allow_nan=False))["status"] == found.status
        assert set(report) == {"status", "counts", "checks"}


def test_a_history_that_is_nothing_but_an_incomplete_day_fails_with_its_length() -> None:
    """Every other check still has its say, without an error of its own."""
    hours = pd.DataFrame({"ds": pd.date_range("2024-03-01", periods=5, freq="h"), "y": 1.0, "unique_id": "a"})
    found = check(hours)
    assert named(found, "length").status == "fail"
    assert "Set horizon to at most 1" in named(found, "length").text
    json.dumps(found.as_json(), allow_nan=False)
