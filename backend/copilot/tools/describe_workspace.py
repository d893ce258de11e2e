"""Contents of the workspace: series, horizon and production run."""

import asyncio

from backend.copilot.facts import Fact, Facts, Subject, name
from backend.copilot.scope import Scope
from backend.copilot.tools.compare_runs import trained_on
from pipelines.forecasting.read.series import SeriesTable

_ATTRIBUTES, _VALUES, _MODELS = 4, 10, 6
_STEPS = {
    "D": "1 day",
    "W": "1 week",
    "MS": "1 month",
    "ME": "1 month",
    "M": "1 month",
    "QS": "1 quarter",
    "h": "1 hour",
    "H": "1 hour",
    "YS": "1 year",
}


async def run(scope: Scope) -> Facts:
    """What the workspace holds: its title, number of series, their attributes with values (stores, categories, …), unit,
    step and horizon, levels of the intervals, covariates, when the models were trained and which ones were chosen.
    """
    production, table, published = await scope.run(), await scope.series(), await scope.published()
    settings, figures = production.settings, production.figures
    run, data = f"runs/{production.id}/run.json", f"data/{table.version}/series.parquet"
    facts = [
        Fact("workspace", settings.title or scope.workspace, source=run),
        Fact("n_series", len(table.ids), "series", source=data),
        Fact("unit", settings.target.unit, source=run),
        Fact("forecast_steps", published.info.horizon, "steps", source=run),
        Fact("frequency", _STEPS.get(settings.frequency, settings.frequency), source=run),
        Fact("last_date", table.last_ds, source=data),
        Fact("n_models", len(figures.leaderboard), "models", source=run),
        Fact("windows", figures.windows, "windows", source=run),
        Fact("run_date", trained_on(production), "", (Subject("run", production.id),), "", run),
    ]
    facts += [Fact("interval_level", level, period=f"{level} %", source=run) for level in settings.levels]
    facts += [name("covariate", column, run) for column in settings.covariates.varying]
    for model, count in sorted(figures.champions.items(), key=lambda one: -one[1])[:_MODELS]:
        facts.append(Fact("champion_share", count, "series", (Subject("model", model),), "", run))
    facts += await asyncio.to_thread(_attributes, table, data)
    return Facts(facts)


def _attributes(table: SeriesTable, source: str) -> list[Fact]:
    facts: list[Fact] = []
    for attribute in table.attributes[:_ATTRIBUTES]:
        values = table.values(attribute)
        of = (Subject("attribute", attribute),)
        facts.append(Fact("n_values", len(values), "values", of, "", source))
        if len(values) <= _VALUES:
            facts += [Fact("attribute_value", value, "", of, value, source) for value in values[:_VALUES]]
    return facts
