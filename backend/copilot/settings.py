"""Settings of the copilot: `copilot.yaml`, its overlay and `FORECAST_COPILOT__…`; the API key only from LLM_API_KEY."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt, SecretStr, field_validator

from backend.knowledge.embeddings import Choice
from pipelines.core import config
from pipelines.core.errors import ConfigError
from pipelines.core.layers import Strict
from pipelines.core.secrets import secret


class CopilotSettings(Strict):
    """Provider and limits of the copilot; `copilot.yaml` describes each setting."""

    provider: Literal["offline", "openai"] = "offline"
    base_url: str = "https://api.openai.com/v1"
    model: str = "gpt-4.1-mini"
    temperature: Annotated[float, Field(ge=0, le=2)] = 0
    max_tokens: PositiveInt = 900
    timeout: PositiveFloat = 10
    patience: PositiveFloat = 20
    retries: Annotated[int, Field(ge=0, le=10)] = 1
    requests: PositiveInt = 8
    tool_calls: PositiveInt = 12
    answer_tokens: PositiveInt = 30_000
    daily_tokens: PositiveInt = 500_000
    embeddings: Choice = "auto"
    embedding_model: str = ""
    key: Annotated[SecretStr | None, Field(exclude=True)] = None

    @field_validator("base_url")
    @classmethod
    def _is_url(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            raise ValueError("use an address that begins with https:// or http://")
        return value


def load(environ: Mapping[str, str] | None = None) -> CopilotSettings:
    """The settings; ConfigError if one is invalid, or for an endpoint without its key."""
    settings = config.load_section("copilot", CopilotSettings, environ)
    if settings.provider == "offline" and not settings.embedding_model:
        return settings
    key = secret("LLM_API_KEY", environ)
    if not key:
        raise ConfigError(
            "copilot.yaml names an endpoint and there is no key",
            code="endpoint_without_key",
            field="LLM_API_KEY",
            remedy="Set LLM_API_KEY or LLM_API_KEY_FILE, or use `provider: offline` without an embedding_model.",
        )
    return settings.model_copy(update={"key": SecretStr(key)})
