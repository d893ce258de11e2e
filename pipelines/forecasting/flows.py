"""The flows: data, training, inference and monitoring. Each loads inputs, calls functions and saves results."""

from dataclasses import dataclass, replace

import pandas as pd

from pipelines.core import code
from pipelines.core.config import Project
from pipelines.core.errors import NotFound
from pipelines.core.figures import stamp
from pipelines.core.names import new_version
from pipelines.core.progress import Progress
from pipelines.forecasting import payload, prepare
from pipelines.forecasting.etl import clean, load, profile, quality
from pipelines.forecasting.evaluation import explain, fit, parallel, report, strategy, windows
from pipelines.forecasting.evaluation.backtest import Budget, Build, at_zero, backtest
from pipelines.forecasting.evaluation.candidates import build, builds
from pipelines.forecasting.evaluation.ensemble import ENSEMBLE
from pipelines.forecasting.evaluation.report import Evaluation
from pipelines.forecasting.evaluation.strategy import Plan
from pipelines.forecasting.figures import Figures
from pipelines.forecasting.monitoring import alerts, assessment, delivery, snapshots
from pipelines.forecasting.monitoring.report import evidently_installed
from pipelines.forecasting.monitoring.snapshots import Snapshot
from pipelines.forecasting.panel import Panel, Share, held
from pipelines.forecasting.predict import Predictor, calibration_of
from pipelines.forecasting.promotion import alternatives, previous
from pipelines.forecasting.promotion.card import card
from pipelines.forecasting.promotion.challenge import Rival
from pipelines.forecasting.protocols import Explains
from pipelines.forecasting.raw import keep_snapshot, read_source
from pipelines.forecasting.records import ForecastRun
from pipelines.forecasting.settings import Workspace, seconds
from pipelines.runs import aliases, recording
from pipelines.sources import Raw
from pipelines.storage.catalog import CALIBRATION, Dataset, Reader
from pipelines.storage.folders import Folder
from pipelines.storage.pointers import CurrentData
from pipelines.storage.records import Data, Etl, ForecastSet, Run, dumped
from pipelines.storage.store import Stores
from pipelines.tables.schema import DS, KEY, MODEL, UNIQUE_ID, Y_HAT, hi, lo

# The settings that processed data depend on: changed models or levels make no new data version.
_OF_DATA = {
    "source",
    "frequency",
    "timezone",
    "target",
    "covariates",
    "missing",
    "quality",
    "season_lengths",
    "horizon",
}


@dataclass(frozen=True)
class Context:
    """Context of all flows: project settings, storage and progress reporting."""

    project: Project
    stores: Stores
    progress: Progress


@dataclass(frozen=True)
class Trained:
    """A finished run, whether it became production, and why or why not."""

    run: Folder
    promoted: bool
    reason: str


def etl(workspace: Workspace, context: Context) -> Dataset:
    """Loads the workspace's data; unchanged data and settings make no new version.

    If a quality check fails, raises DataError; the version is kept for inspection, and the current one stays in use.
    """
    stores, say, places = context.stores, context.progress.say, context.stores.places(workspace.name)
    raw = read_source(workspace, stores, context.project.data_dir)
    rows, raw_version = keep_snapshot(raw, workspace, stores)
    settings_hash = recording.digest(workspace.model_dump(mode="json", include=_OF_DATA))
    current = stores.current_data(workspace.name)
    if (current.raw_version, current.settings_hash) == (raw_version, settings_hash):
        say("data unchanged", version=current.data_version, origin=raw.origin)
        return stores.dataset(workspace.name)
    say("rows read", rows=len(rows), origin=raw.origin)
    raw = replace(raw, rows=raw.rows.head(0).copy())  # stored already; frees one copy of large data
    as_of = pd.Timestamp.now(tz="UTC").tz_localize(None)
    loaded = load.load(rows, workspace)
    del rows
    cleaned, rejected = clean.clean(loaded, workspace, as_of), loaded.rejected
    del loaded
    complete = workspace.complete(cleaned.frequency)
    seasons = complete.season_lengths or (1,)
    attributes = list(workspace.covariates.static)
    series = profile.profile(cleaned.observations, cleaned.spans, attributes, seasons[0])
    checks = quality.check(cleaned, series, rejected, complete, as_of)
    draft = stores.data.draft(places.dataset(new_version()))
    draft.write_parquet("observations.parquet", cleaned.observations.drop(columns=attributes))
    draft.write_parquet("series.parquet", series)
    draft.write_parquet("rejected.parquet", rejected)
    draft.write_json("quality.json", checks.as_json())
    draft.write_record(_etl_info(raw, raw_version, cleaned, complete, as_of))
    dataset = Dataset(draft.publish())
    say("data checked", status=checks.status, **cleaned.counts)
    checks.raise_on_failure(f"{dataset.folder.where}/quality.json, with the rejected rows beside it.")
    named = {"raw_version": raw_version, "settings_hash": settings_hash, "data_version": dataset.version}
    stores.data.move_pointer(places.current_dataset, CurrentData, lambda now: now.changed(**named))
    return dataset


def train(workspace: Workspace, context: Context, *, force: bool = False) -> Trained:
    """Backtests the candidates, fits each series' champion, and records the run.

    It becomes production unless it is worse than the production run on the same windows; `force` skips that test.
    """
    stores, project, progress = context.stores, context.project, context.progress
    stores.artifacts.sweep(stores.places(workspace.name).runs)
    dataset = stores.dataset(workspace.name)
    workspace = workspace.complete(dataset.info.frequency)
    budget = seconds(workspace.budget)
    budgeted = Budget(budget) if budget else None
    production = _production(stores, workspace.name)
    record = payload.begin(stores, workspace, _data(dataset), production.name if production else None)
    with record.failing(), parallel.engine(project.engine, project.n_jobs):
        with record.stage("load"):
            panel, ended = prepare.panel_of(dataset, workspace)
            plan = strategy.plan(panel, dataset.series, workspace)
            panel = prepare.ahead(panel, workspace, plan)
            share = held if project.engine.backend == "local" else prepare.stored(dataset, workspace, plan)
            rival = Rival.of(production, workspace, plan)
            made = {**builds(plan, workspace), **rival.builds()}
        with record.stage("backtest"):
            table, plan, notes = _backtest(panel, workspace, made, plan, rival, budgeted, share, context)
        with record.stage("evaluate"):
            judged = report.evaluate(panel, table, workspace, plan, dataset.series)
            del table  # part of the evaluation; gigabytes for a large panel
            evaluation = judged.of_models([*plan, ENSEMBLE])
        with record.stage("fit"):
            sizes = {"bucket": project.bucket, "n_jobs": project.n_jobs}
            payload.save_models(record, fit.fit(panel, judged.weights, made, progress=progress, share=share, **sizes))
        verdict = rival.verdict(judged, workspace.metric)
        figures = report.figures(evaluation, workspace, [*notes, *_notes(ended, evaluation)], verdict)
        _save(record, evaluation, figures)
        run = record.succeed(figures)
    progress.say(
        "run finished",
        run_id=run.name,
        metric=workspace.metric,
        champion=figures.champion,
        baseline=figures.baseline,
    )
    if verdict.passed or force:
        aliases.promote(
            stores, workspace.name, run.name, verdict.reason if verdict.passed else f"forced: {verdict.reason}"
        )
    return Trained(run, verdict.passed or force, verdict.reason)


def inference(workspace: Workspace, context: Context) -> Folder:
    """Forecasts the workspace from its production run on the newest data, and publishes the result."""
    stores, progress = context.stores, context.progress
    run = stores.production(workspace.name)  # its manifest is checked before anything is unpickled
    trained = payload.workspace_of(run)
    horizon, dataset = trained.horizon or 1, stores.dataset(workspace.name)
    panel, ended = prepare.panel_of(dataset, trained)
    predictor = Predictor.of(run, panel.ids)
    panel = prepare.ahead(panel, trained, predictor.members)
    explaining = {name for name in predictor.members if isinstance(build(name, trained)(), Explains)}
    listener = explain.Listener(panel, horizon, explain.exact_series(predictor.weights, explaining))
    members = listener.listen(predictor.load(panel))
    rows = predictor.forecast(panel, horizon, members, progress=progress)
    calibration = calibration_of(run)
    forecasts = predictor.with_intervals(rows, panel, calibration, trained.levels)
    bounds = [bound(level) for level in trained.levels for bound in (lo, hi)]
    draft = stores.artifacts.draft(stores.places(workspace.name).forecast_set(new_version()))
    draft.write_parquet("forecasts.parquet", forecasts[[*KEY, MODEL, Y_HAT, *bounds]])
    parts = explain.components(forecasts, listener.exact, predictor.weights, panel.history, panel.season_lengths)
    change = previous.change(stores, workspace.name, run, panel, forecasts, prepare.read)
    others, told = alternatives.forecasts(
        stores, workspace.name, run.name, panel, trained, workspace.monitoring.comparison
    )
    draft.write_parquet("rivals.parquet", others)
    draft.write_parquet("explanations.parquet", parts.table)
    draft.write_parquet("bridge.parquet", change.table)
    draft.write_json("explanations.json", {**parts.as_json(), "bridge": change.as_json()})
    as_of = stamp(panel.history[DS].max())
    info = ForecastSet(
        forecast_id=draft.name,
        run_id=run.name,
        data_version=dataset.version,
        as_of=as_of,
        horizon=horizon,
        n_series=len(panel.ids),
        rivals=told,
        new_series=predictor.fresh,
        ended_series=sorted({*ended, *payload.weights_of(run)[UNIQUE_ID]} - set(panel.ids)),
        unsupported_levels=sorted(set(calibration[0]["reason"]) - {""}),
        synthetic=dataset.info.synthetic,
        code_version=code.version(),
        model_code=payload.model_code(),
    )
    draft.write_record(info)
    forecast_set = draft.publish()
    aliases.publish(stores, workspace.name, forecast_set, run.name, as_of)
    progress.say(
        "forecasts published", forecast_id=forecast_set.name, series=len(panel.ids), rows=len(forecasts), as_of=as_of
    )
    return forecast_set


def monitor(
    workspace: Workspace, context: Context, *, now: pd.Timestamp | None = None, with_report: bool = True
) -> Folder:
    """Compares forecasts with actuals and the data with their reference period, raises alerts, and rolls back if
    allowed.

    Does nothing without new data, forecasts, runs or settings. Safe to run in parallel with a training or itself.
    """
    stores, say, name = context.stores, context.progress.say, workspace.name
    run, dataset, before = stores.production(name), stores.dataset(name), Snapshot.newest(stores, name)
    key = snapshots.key(stores, name, run, dataset, workspace.monitoring)
    if before.summary and before.summary.key == key:
        say("monitoring up to date", monitoring_id=before.summary.monitoring_id)
        _deliver(workspace, context)
        return stores.monitoring(name)
    trained = payload.workspace_of(run).model_copy(update={"monitoring": workspace.monitoring})
    now = now or pd.Timestamp.now(tz="UTC").tz_localize(None)
    assessed = assessment.assess(stores, trained, run, dataset, before, now)
    backs = assessment.go_back(stores, trained, assessed.snapshot, assessed.summary.as_of)
    raised = alerts.raise_new(stores, [*assessed.alerts, *backs])
    draft = assessed.snapshot.draft(stores, key, now, len(raised))
    if with_report and evidently_installed():
        draft.write_text(snapshots.REPORT, assessment.page(stores, assessed, run, workspace.monitoring.report_rows))
    folder = snapshots.publish(stores, name, draft, assessed.summary.as_of)
    for alert in raised:
        say(f"{alert.severity}: {alert.kind}", message=alert.message)
    say("monitored", monitoring_id=folder.name, as_of=assessed.summary.as_of, status=assessed.summary.status)
    snapshots.tidy(stores, name, workspace.monitoring.keep)
    _deliver(workspace, context)
    return folder


def run_all(workspace: Workspace, context: Context, *, force: bool = False) -> Folder:
    """Runs every step that is not up to date: data, training (if data, settings or model code changed), forecasts, and
    monitoring of forecasts that have actuals by now.
    """
    forecast_set = _forecast(workspace, context, force=force)
    if _is_any_judgeable(context.stores, workspace.name):
        monitor(workspace, context)
    else:
        context.progress.say("nothing to monitor", reason="no actuals came after a published forecast")
    return forecast_set


def _forecast(workspace: Workspace, context: Context, *, force: bool) -> Folder:
    """Runs data, training and inference where they are not up to date."""
    stores = context.stores
    dataset = etl(workspace, context)
    if not force and _is_trained(stores, workspace, dataset):
        context.progress.say("training up to date", run_id=stores.production(workspace.name).name)
    else:
        trained = train(workspace, context, force=force)
        context.progress.say(
            "promoted" if trained.promoted else "not promoted", run_id=trained.run.name, reason=trained.reason
        )
    served = stores.pointers(workspace.name).published
    if served and served.run_id == stores.production(workspace.name).name:
        forecast_set = stores.published(workspace.name)
        info = ForecastSet.of(forecast_set)
        if info.data_version == dataset.version and info.model_code == payload.model_code():
            context.progress.say("forecasts up to date", forecast_id=info.forecast_id)
            return forecast_set
    return inference(workspace, context)


def _is_any_judgeable(reader: Reader, name: str) -> bool:
    """Whether some forecast set starts before the end of the newest data, so that it has actuals."""
    newest = ForecastSet.of(reader.published(name)).as_of
    return any(
        ForecastSet.of(reader.forecast_set(name, forecast_id)).as_of < newest
        for forecast_id in reader.forecast_sets(name)
    )


def _deliver(workspace: Workspace, context: Context) -> None:
    """Sends pending alerts if a webhook is configured."""
    if url := delivery.webhook():
        sent = delivery.deliver(context.stores, workspace.name, url, workspace.monitoring.delivery)
        if any(sent.values()):
            context.progress.say("alerts sent", **sent)


def _etl_info(raw: Raw, raw_version: str, cleaned: clean.Cleaned, workspace: Workspace, as_of: pd.Timestamp) -> Etl:
    return Etl(
        raw_version=raw_version,
        as_of=stamp(as_of),
        origin=raw.origin,
        synthetic=raw.synthetic,
        frequency=cleaned.frequency,
        season_lengths=list(workspace.season_lengths or ()),
        horizon=workspace.horizon or 1,
        counts=cleaned.counts,
        inferred=cleaned.notes,
        source_notes=list(raw.notes),
    )


def _data(dataset: Dataset) -> Data:
    return Data(version=dataset.version, sha256=dataset.folder.manifest.files["observations.parquet"].sha256)


def _production(reader: Reader, workspace: str) -> Folder | None:
    try:
        return reader.production(workspace)
    except NotFound:
        return None


def _is_trained(reader: Reader, workspace: Workspace, dataset: Dataset) -> bool:
    run = _production(reader, workspace.name)
    if run is None:
        return False
    info = Run.of(run)
    same = payload.config_hash(workspace.complete(dataset.info.frequency)) == info.config_hash
    return same and info.data == _data(dataset) and info.model_code == payload.model_code()


def _backtest(
    panel: Panel,
    workspace: Workspace,
    candidates: dict[str, Build],
    plan: Plan,
    rival: Rival,
    budget: Budget | None,
    share: Share,
    context: Context,
) -> tuple[pd.DataFrame, Plan, list[str]]:
    """The forecasts of all candidates and of the rival on the same windows, the part of the plan within the budget, and
    notes.
    """
    horizon, settings = workspace.horizon or 1, workspace.backtest
    cutoffs = windows.usable(panel, horizon, settings.windows, settings.step or horizon, settings.gap)
    backtested = backtest(
        panel,
        candidates,
        cutoffs,
        horizon,
        settings,
        bucket=context.project.bucket,
        n_jobs=context.project.n_jobs,
        progress=context.progress,
        series={**plan, **rival.plan},
        budget=budget,
        share=share,
    )
    table = at_zero(backtested.table, workspace.target.non_negative)
    table = pd.concat([table, rival.forecasts(table)], ignore_index=True)
    affordable = {name: ids for name, ids in plan.items() if name not in backtested.left_out}
    notes = [
        f"{model} could not be fitted {n:,} times; the last value stood in."
        for model, n in backtested.fallbacks.items()
        if n
    ]
    notes += [
        f"{model} was left out: it would have taken about {cost:,.0f} s, more than was left of the budget."
        for model, cost in backtested.left_out.items()
    ]
    return table, affordable, notes


def _notes(ended: list[str], evaluation: Evaluation) -> list[str]:
    notes = sorted(set(evaluation.quantiles["reason"]) - {""})
    if ended:
        notes.insert(0, f"{len(ended):,} series ended over a horizon ago and are not forecast: {', '.join(ended[:5])}.")
    return [*notes, *evaluation.notes]


def _save(record: recording.Recording, evaluation: Evaluation, figures: Figures) -> None:
    record.draft.write_parquet("backtest.parquet", evaluation.backtest)
    record.draft.write_parquet("metrics.parquet", evaluation.metrics)
    record.draft.write_parquet("champions.parquet", evaluation.champions)
    record.draft.write_parquet("choices.parquet", explain.choice(evaluation.champions, evaluation.metrics))
    record.draft.write_parquet(payload.WEIGHTS, evaluation.weights)
    record.draft.write_parquet("scales.parquet", evaluation.scales)
    record.draft.write_parquet("quantiles.parquet", evaluation.quantiles)
    record.draft.write_parquet(payload.PHASES, evaluation.phases)
    record.draft.write_parquet(CALIBRATION, evaluation.calibration)
    run = ForecastRun.model_validate({**dumped(record.info), "summary": dumped(figures)})
    told = card(run, evaluation.champions, evaluation.leaderboard(), evaluation.calibration)
    record.draft.write_text("card.md", told)
