"""Data quality: rows read and rejected, results of checks, and the profile of a series."""

from backend.copilot.facts import Fact, Facts, Subject
from backend.copilot.scope import CannotTell, Scope, series
from backend.core.errors import Problem


async def run(scope: Scope, unique_id: str | None = None) -> Facts:
    """How good and how new the data are: rows read and rejected, checks that gave a warning, the newest value.

    With `unique_id`: the profile of one series (length, gaps, zeros, season, trend, kind of demand, attributes).
    """
    if unique_id is not None:
        return await _of_series(scope, await scope.which(unique_id))
    try:
        dataset = await scope.data.dataset()
    except Problem as problem:
        raise CannotTell(str(problem.detail)) from None
    quality, table = dataset.quality, await scope.series()
    source = f"data/{dataset.version}/quality.json"
    facts = [
        Fact("data_version", dataset.version, source=source),
        Fact("n_series", len(table.ids), "series", source=source),
        Fact("last_date", table.last_ds, source=source),
        Fact("n_rows", quality.counts.get("rows_in"), source=source),
        Fact("n_rejected", quality.counts.get("rows_rejected"), source=source),
        Fact("n_checks", len(quality.checks), source=source),
        Fact("n_failing", sum(one.status != "pass" for one in quality.checks), source=source),
    ]
    for check in quality.checks:
        if check.status != "pass":
            of = (Subject("check", check.name),)
            facts += [
                Fact("check_status", check.status, "", of, "", source),
                Fact("check_message", check.message, "", of, "", source),
            ]
    return Facts(facts)


async def _of_series(scope: Scope, name: str) -> Facts:
    table, unit = await scope.series(), await scope.unit()
    row, source = table.row(table.place(name)), f"data/{table.version}/series.parquet"
    values: list[tuple[str, object, str]] = [
        ("n_observations", row["n"], "observations"),
        ("n_missing", row["n_missing"], "values"),
        ("share_zero", row["share_zero"], ""),
        ("seasonal_strength", row["seasonal_strength"], ""),
        ("trend_strength", row["trend_strength"], ""),
        ("demand_class", row["demand_class"], ""),
        ("first_date", row["first_ds"], ""),
        ("last_date", row["last_ds"], ""),
        ("last_value", row["last_value"], unit),
    ]
    facts = [Fact(concept, value, unit, series(name), "", source) for concept, value, unit in values]  # type: ignore[arg-type]
    facts += [
        Fact("attribute_value", f"{attribute}: {value}", "", series(name), attribute, source)
        for attribute, value in row["attributes"].items()
        if value is not None
    ]
    return Facts(facts)
