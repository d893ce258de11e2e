"""Settings of the service: environment variables `API_…`. The project's settings define what is served."""

import ipaddress
import os
from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, HttpUrl, PositiveFloat, PositiveInt, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from backend.core.keys import Key, parse_keys
from pipelines.core.environment import app_env, is_strict, refusal, unsafe
from pipelines.core.errors import ConfigError
from pipelines.core.names import printable
from pipelines.core.secrets import secret

_DEBUGGING = ("PYTHONDEVMODE", "PYTHONASYNCIODEBUG")


class Settings(BaseSettings):
    """Address, access and limits of the service."""

    model_config = SettingsConfigDict(env_prefix="API_", frozen=True, extra="ignore")

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000  # 0: any free one
    keys: Annotated[str, Field(repr=False)] = (
        ""  # lines from scripts/create_api_key.py, separated by newlines or commas; or API_KEYS_FILE
    )
    rate_limit: PositiveInt = 1200  # requests per minute and key
    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()  # separated by commas; if empty, CORS is off
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = ()  # addresses or networks whose X-Forwarded-For is trusted
    cache_mb: PositiveInt = 192  # MiB of tables in memory
    generate_workers: PositiveInt = 1  # processes that compute unpublished forecasts
    generate_queue: Annotated[int, Field(ge=0)] = 8  # requests that may wait for a worker
    generate_timeout: PositiveFloat = 30.0  # seconds for waiting and computing together
    preview_timeout: PositiveFloat = 60.0  # seconds for waiting and previewing an upload together
    preview_mb: Annotated[int, Field(ge=1024)] = (
        3072  # MiB of address space per preview: a file of 32 MiB needs 1.2 GB; one of 128 MiB unpacked, 2.2 GB
    )
    uploads_mb: Annotated[int, Field(ge=64)] = 512  # MiB of all uploads on disk
    # run pipelines as processes on this machine or on Cloud Run
    jobs_on: Literal["local", "cloud_run"] = "local"
    cloud_run_project: Annotated[str, Field(pattern=r"^[a-z0-9-]*$")] = ""
    cloud_run_region: Annotated[str, Field(pattern=r"^[a-z0-9-]*$")] = ""
    # of job names: forecast-train
    cloud_run_prefix: Annotated[str, Field(pattern=r"^[a-z0-9-]*$")] = "forecast-"
    cloud_run_url: HttpUrl = HttpUrl("https://run.googleapis.com")
    cloud_logging_url: HttpUrl = HttpUrl("https://logging.googleapis.com")
    jobs: PositiveInt = 2  # maximum concurrent pipelines (one per workspace)
    shutdown_timeout: PositiveFloat = 6.0  # seconds to finish running requests on shutdown
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    environment: str = ""  # APP_ENV

    @field_validator("cors_origins", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            try:
                everybody = ipaddress.ip_network(one).prefixlen == 0
            except ValueError:
                raise ValueError(f"{one} is no address or network; use such as 10.0.0.5 or 10.0.0.0/24") from None
            if everybody:
                raise ValueError(f"{one} is every address: each client could choose its own; name the proxy's")
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _lower(cls, value: Any) -> Any:
        return value.lower() if isinstance(value, str) else value

    def keyring(self) -> tuple[Key, ...]:
        """The accepted API keys."""
        return parse_keys(self.keys)

    def check(self) -> None:
        """Raise one ConfigError that lists every setting that would expose the service."""
        if problems := self.unsafe():
            raise refusal(self.environment, problems)

    def unsafe(self) -> list[ConfigError]:
        """One error for each unsafe combination of settings.

        Without keys the service may listen on loopback only, and only in `dev`.
        """
        problems: list[ConfigError] = []
        try:
            keys = bool(self.keyring())
        except ConfigError as error:
            problems, keys = [error], True
        remedy = "Make a key with scripts/create_api_key.py and set API_KEYS or API_KEYS_FILE."
        strict = is_strict(self.environment)
        if not keys and strict:
            open_ = f"APP_ENV is {self.environment} and there is no API key: nobody would be kept out"
            problems.append(ConfigError(open_, code="no_api_key", field="API_KEYS", remedy=remedy))
        elif not keys and not is_loopback(self.host):
            open_ = f"API_HOST is {self.host} and there is no API key: anybody could come in"
            problems.append(ConfigError(open_, code="no_api_key", field="API_KEYS", remedy=remedy))
        if self.jobs_on == "cloud_run" and not (self.cloud_run_project and self.cloud_run_region):
            remedy = "Set API_CLOUD_RUN_PROJECT and API_CLOUD_RUN_REGION, too."
            problems.append(
                ConfigError(
                    "cloud_run needs a project and a region",
                    code="cloud_run_incomplete",
                    field="API_JOBS_ON",
                    remedy=remedy,
                )
            )
        if not strict:
            return problems
        return [*problems, *self._unsafe_in_public()]

    def _unsafe_in_public(self) -> Iterator[ConfigError]:
        """Settings that are allowed in `dev` only."""
        for origin in self.cors_origins:
            parts, field = urlsplit(origin), "API_CORS_ORIGINS"
            if origin == "*":
                every, remedy = "* lets every page call the service", "Name the origins."
                yield ConfigError(every, code="every_origin_allowed", field=field, found=origin, remedy=remedy)
            elif parts.scheme != "https" and not is_loopback(parts.hostname or ""):
                clear, remedy = f"{printable(origin)} does not begin with https://", "Use the https address."
                yield ConfigError(clear, code="not_encrypted", field=field, found=printable(origin), remedy=remedy)
        if self.log_level == "debug":
            told = "debug makes libraries log what they send"
            yield ConfigError(told, code="debugging", field="API_LOG_LEVEL", found="debug", remedy="Use info.")
        for name in _DEBUGGING:
            if os.environ.get(name):
                yield ConfigError("it is set, and is for debugging", code="debugging", field=name, remedy="Unset it.")


def load(**given: Any) -> Settings:
    """The settings of the environment, overridden by `given`. One ConfigError reports all invalid and unsafe values."""
    problems, keys = unsafe(), ""
    try:
        keys = secret("API_KEYS") or ""
    except ConfigError as error:
        problems.append(error)
    given = {"environment": app_env(), "keys": keys, **given}
    try:
        settings = Settings(**given)
    except ValidationError as error:
        problems += [
            ConfigError(
                f"found {one['input']!r:.80}",
                code="wrong_setting",
                field=f"API_{'_'.join(map(str, one['loc'])).upper()}",
                remedy=f"{one['msg']}.",
            )
            for one in error.errors()
        ]
        wrong = {str(one["loc"][0]): Settings.model_fields[str(one["loc"][0])].default for one in error.errors()}
        settings = Settings(**{**given, **wrong})  # the valid settings can still be unsafe
    if problems := [*problems, *settings.unsafe()]:
        raise refusal(settings.environment, problems)
    return settings


@lru_cache(maxsize=64)  # bounded: a name sent by a client may be as long as a header
def is_loopback(host: str) -> bool:
    """Whether an address or name can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
