"""Where the service is, and what opens it: environment variables `APP_…`."""

from functools import cache
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, HttpUrl, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """The key stays in this process: no page, no log and no error shows it."""

    model_config = SettingsConfigDict(env_prefix="APP_", frozen=True, extra="ignore", hide_input_in_errors=True)

    api_url: HttpUrl = HttpUrl("http://127.0.0.1:8000")
    api_key: Annotated[str, Field(repr=False)] = ""
    api_key_file: Path | None = None  # or a file that holds it, as a mounted secret
    api_audience: str = ""  # of a service on Cloud Run that is private: its own address, as Cloud Run gives it
    api_timeout: Annotated[float, Field(gt=0)] = 60.0  # seconds: a forecast may have to be computed

    @model_validator(mode="after")
    def _one_key(self) -> Self:
        if self.api_key and self.api_key_file:
            raise ValueError("APP_API_KEY and APP_API_KEY_FILE are both set: unset one of them")
        return self

    @property
    def key(self) -> str:
        """The key for the service; empty where it needs none."""
        return self.api_key_file.read_text(encoding="utf-8").strip() if self.api_key_file else self.api_key.strip()


@cache
def load() -> Settings:
    """The settings of the environment."""
    return Settings()
