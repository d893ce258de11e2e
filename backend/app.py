"""The service: `create_app` builds it for any ASGI server, `main` runs it."""

import asyncio
import logging
import os
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import structlog
import uvicorn
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware

from backend.accuracy import routes as accuracy
from backend.compute.pool import Workers
from backend.copilot import routes as copilot
from backend.copilot import settings as copilots
from backend.copilot.agent import Copilot
from backend.copilot.settings import CopilotSettings
from backend.core import errors, health, me, traces
from backend.core.catalog import Catalog
from backend.core.connections import GuardedProtocol, raise_descriptor_limit, sweep
from backend.core.health import Readiness
from backend.core.keys import Keyring
from backend.core.metrics import Metrics
from backend.core.middleware import Observe, configure_events, configure_logging
from backend.core.rate import HEADER, Authentication, RateLimit
from backend.core.responses import NotModified, unchanged
from backend.core.schemas import ProblemOut
from backend.core.services import Services
from backend.core.settings import Settings, load
from backend.core.shutdown import Shutdown
from backend.data import routes as data
from backend.documentation import routes as documentation
from backend.forecasts import routes as forecasts
from backend.jobs import routes as jobs
from backend.jobs.cloud import CloudJobs
from backend.jobs.google import CloudRun
from backend.jobs.local import LocalJobs
from backend.jobs.processes import Launcher, LocalProcess
from backend.jobs.service import Jobs
from backend.knowledge import routes as knowledge
from backend.knowledge.embeddings import Embedding, choose
from backend.knowledge.knowledge import Knowledge
from backend.monitoring import routes as monitoring
from backend.portfolio import routes as portfolio
from backend.runs import routes as runs
from backend.runs.service import Runs
from backend.series import routes as series
from backend.uploads import routes as uploads
from backend.uploads.quota import Quota
from backend.uploads.service import Uploads
from backend.workspaces import routes as workspaces
from backend.workspaces.status import Statuses
from pipelines import __version__
from pipelines.core import config, environment
from pipelines.core.errors import ConfigError
from pipelines.storage.store import Stores
from pipelines.storage.store import stores as store_of

API = "/api/v1"
# Seconds after startup until the worker processes and the copilot import their libraries. The delay keeps these imports
# from slowing down the first responses, or the first page of a web app that starts at the same time.
_COMPUTING, _ANSWERING = 10.0, 20.0


# Routes are matched in this order: the most requested first.
_ROUTES = (
    forecasts, series, portfolio, accuracy, workspaces, data, runs, monitoring, jobs, uploads, copilot, knowledge, me
)  # fmt: skip


def create_app(
    settings: Settings | None = None, store: Stores | None = None, launcher: Launcher | None = None
) -> FastAPI:
    """The service over `store`, or over the stores from the environment. ConfigError if the settings would expose it to
    others.

    Jobs run on `launcher`: by default as processes on this machine.
    """
    settings = settings or load()
    settings.check()
    if not structlog.is_configured():  # when another server runs the app
        configure_events()
    services, lifespan = _services(settings, store or _stores(), launcher)
    tracing = traces.wanted()
    app = FastAPI(
        title="Forecast Copilot",
        version=__version__,
        description="Forecasts of panels of time series, as published.",
        openapi_url=f"{API}/openapi.json",
        docs_url=None,  # /docs is our own page: the framework's pages load scripts from other hosts
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        telemetry={
            "tracing": tracing,
            "auto_configure": tracing,
            "metrics": False,
            "logs": False,
            "operation_spans": False,
        },
    )
    app.state.services = services
    for routes in _ROUTES:
        app.include_router(routes.router, prefix=API)
    app.include_router(health.router)
    app.include_router(documentation.router)
    errors.install(app, services[Catalog].public)
    app.add_exception_handler(NotModified, unchanged)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    _add_middleware(app, settings, services[Metrics])
    return app


def _services(
    settings: Settings, stores: Stores, launcher: Launcher | None
) -> tuple[Services, Callable[[FastAPI], AbstractAsyncContextManager[None]]]:
    """The parts of the application, and the context in which they run."""
    metrics, shutdown, assistant = Metrics(), Shutdown(), copilots.load()
    workers = Workers(
        settings.generate_workers, settings.generate_queue, settings.generate_timeout, metrics, shutdown=shutdown
    )
    previewer = (sys.executable, "-m", "pipelines.forecasting.previewer", str(settings.preview_mb))
    previewers = Workers(1, settings.generate_queue, settings.preview_timeout, metrics, previewer, shutdown)
    catalog = Catalog(stores, settings.cache_mb, metrics)
    statuses = Statuses(catalog)
    knowledge = Knowledge(stores, catalog, _embedding(assistant))
    copilot = Copilot(knowledge, metrics, assistant)
    uploads = Uploads(stores, catalog, previewers, Quota(stores, settings.uploads_mb))
    jobs = Jobs(_jobs(settings, stores, launcher), shutdown)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if traces.wanted():
            traces.keep_private()
        await workers.start(after=_COMPUTING)
        await previewers.start()
        warming = threading.Timer(_ANSWERING, copilot.warm)
        warming.daemon = True
        warming.start()
        listing = asyncio.create_task(asyncio.to_thread(statuses.all))  # so that the first request need not wait for it
        try:
            yield
        finally:
            warming.cancel()
            await asyncio.gather(listing, return_exceptions=True)
            uploads.close()
            knowledge.close()
            await asyncio.gather(workers.stop(), previewers.stop())

    parts = (metrics, shutdown, workers, stores, catalog, statuses, knowledge, copilot, uploads, jobs, Runs(stores))
    return Services(*parts, Readiness(statuses.checks)), lifespan


def _add_middleware(app: FastAPI, settings: Settings, metrics: Metrics) -> None:
    """Adds the middleware that every request passes through, innermost first."""
    app.add_middleware(GZipMiddleware, minimum_size=1024, compresslevel=5)
    app.add_middleware(
        Authentication,
        keyring=Keyring(settings.keyring()),
        rate=RateLimit(settings.rate_limit),
        origins=frozenset(settings.cors_origins),
    )
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.cors_origins),
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=[HEADER, "Content-Type", "If-Match", "If-None-Match", "X-Request-ID"],
            expose_headers=["ETag", "Location", "X-Request-ID", "Retry-After", "Deprecation", "Sunset", "Link"],
        )
    app.add_middleware(Observe, metrics=metrics, https=settings.environment != "dev")


class Server(uvicorn.Server):
    """Server that closes connections of slow clients, and announces a shutdown to the service first, so that open
    streams end.
    """

    def __init__(self, config: uvicorn.Config, begin_shutdown: Callable[[], None]) -> None:
        super().__init__(config)
        self._begin_shutdown = begin_shutdown

    async def on_tick(self, counter: int) -> bool:
        if counter % 10 == 0:  # once a second
            sweep(self.server_state.connections, asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    async def shutdown(self, sockets: Any = None) -> None:
        self._begin_shutdown()
        await super().shutdown(sockets)


def main(launcher: Launcher | None = None) -> None:
    """Serves until stopped; reports an invalid setting in one message."""
    # seconds: must not delay the shutdown
    os.environ.setdefault("OTEL_EXPORTER_OTLP_TIMEOUT", "2")
    try:
        settings = load()
        app = create_app(settings, launcher=launcher)
        app.state.services[Catalog].workspaces()  # an invalid folder fails at startup, not at the first request
    except ConfigError as error:
        sys.exit(error.line)
    configure_logging(settings.log_level)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=int(settings.shutdown_timeout),
        proxy_headers=bool(settings.trusted_proxies),  # by default uvicorn would trust any process on this machine
        forwarded_allow_ips=list(settings.trusted_proxies),
        http=GuardedProtocol,
        ws="none",  # no WebSockets: none are used, and they would bypass these limits
    )
    raise_descriptor_limit()
    logging.getLogger("uvicorn.error").info("Forecast Copilot at http://%s:%d%s", settings.host, settings.port, API)
    Server(config, app.state.services[Shutdown].begin).run()


def _jobs(settings: Settings, stores: Stores, launcher: Launcher | None) -> LocalJobs | CloudJobs:
    """The job launcher that the settings select."""
    if launcher is None and settings.jobs_on == "cloud_run":
        cloud = CloudRun(
            settings.cloud_run_project,
            settings.cloud_run_region,
            settings.cloud_run_prefix,
            str(settings.cloud_run_url).rstrip("/"),
            str(settings.cloud_logging_url).rstrip("/"),
        )
        return CloudJobs(stores, cloud, settings.jobs)
    return LocalJobs(stores, launcher or LocalProcess(), settings.jobs)


def _stores() -> Stores:
    """The stores of the project's settings; only signed artifacts are accepted, except in dev."""
    return store_of(config.load_project(), *environment.signing())


def _embedding(assistant: CopilotSettings) -> Embedding:
    key = assistant.key.get_secret_value() if assistant.key else ""
    return choose(assistant.embeddings, assistant.embedding_model, assistant.base_url, key)


def _openapi(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI contract, with the schema of errors and the API key that every route except health requires."""
    if app.openapi_schema is None:
        contract = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        components = contract["components"]
        components["schemas"]["ProblemOut"] = ProblemOut.model_json_schema(ref_template="#/components/schemas/{model}")
        for name, schema in components["schemas"]["ProblemOut"].pop("$defs").items():
            components["schemas"][name] = schema
        components["securitySchemes"] = {"key": {"type": "apiKey", "in": "header", "name": HEADER}}
        for path, operations in contract["paths"].items():
            for operation in operations.values() if path.startswith(API) else ():
                operation["security"] = [{"key": []}]
        app.openapi_schema = contract
    return app.openapi_schema


if __name__ == "__main__":
    main()
