"""Settings of the service: environment variables `API_…`. What is served comes from the project's settings."""

import ipaddress
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, PositiveFloat, PositiveInt, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from backend.auth import Key, parse_keys
from backend.copilot.knowledge.embeddings import Choice
from pipelines.errors import ConfigError
from pipelines.settings import app_env


class Settings(BaseSettings):
    """How the service listens, whom it lets in, and how much it takes on."""

    model_config = SettingsConfigDict(env_prefix="API_", frozen=True, extra="ignore")

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000  # 0: any free one
    keys: str = ""  # lines of scripts/create_api_key.py, separated by new lines or commas
    keys_file: Path | None = None  # or a file with such lines, as a mounted secret
    rate_limit: PositiveInt = 1200  # requests a minute and key
    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()  # separated by commas; none: CORS is off
    cache_mb: PositiveInt = 192  # of tables in memory
    generate_workers: PositiveInt = 1  # processes that compute what is not published
    generate_queue: Annotated[int, Field(ge=0)] = 8  # requests that may wait for one of them
    generate_timeout: PositiveFloat = 30.0  # seconds that waiting and computing may take together
    jobs: PositiveInt = 2  # pipelines that may run at the same time, one a workspace
    embeddings: Choice = (
        "auto"  # how texts are compared: auto is local if installed, provider if a model is named, else lexical
    )
    embeddings_model: str = ""  # of the provider
    embeddings_url: str = ""  # of the provider: any endpoint that speaks as OpenAI's does
    shutdown_timeout: PositiveFloat = 6.0  # seconds for what is running when the service is told to stop
    environment: str = ""  # APP_ENV

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    def keyring(self) -> tuple[Key, ...]:
        """The keys that are let in. ConfigError where a server without any would be open to others.

        Without keys it may only listen on loopback, and only in `dev`.
        """
        text = self.keys
        if self.keys_file is not None:
            try:
                text += "\n" + self.keys_file.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigError(f"API_KEYS_FILE: {self.keys_file} cannot be read ({error}).") from None
        found = parse_keys(text)
        remedy = "Make a key with scripts/create_api_key.py and set API_KEYS or API_KEYS_FILE."
        if not found and self.environment != "dev":
            raise ConfigError(
                f"APP_ENV is {self.environment} and there is no API key: nobody would be kept out. {remedy}"
            )
        if not found and not is_loopback(self.host):
            raise ConfigError(f"API_HOST is {self.host} and there is no API key: anybody could come in. {remedy}")
        return found


def load(**given: Any) -> Settings:
    """The settings of the environment, over which `given` goes; all mistakes in one ConfigError."""
    try:
        return Settings(**{"environment": app_env(), **given})
    except ValidationError as error:
        lines = [
            f"  - API_{'_'.join(map(str, one['loc'])).upper()}: found {one['input']!r:.80}. {one['msg']}."
            for one in error.errors()
        ]
        raise ConfigError("the settings of the service are wrong:\n" + "\n".join(lines)) from None


@lru_cache(maxsize=1024)
def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address or name."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
