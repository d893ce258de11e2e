"""Where the service is, and the key for it: environment variables `APP_…`."""

from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import Field, HttpUrl
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """The key stays in this process: no page and no log shows it."""

    model_config = SettingsConfigDict(env_prefix="APP_", frozen=True, extra="ignore")

    api_url: HttpUrl = HttpUrl("http://127.0.0.1:8000")
    api_key: Annotated[str, Field(repr=False)] = ""
    api_key_file: Path | None = None  # or a file that holds it, as a mounted secret
    api_timeout: Annotated[float, Field(gt=0)] = 60.0  # seconds: a forecast may have to be computed

    @property
    def key(self) -> str:
        """The key for the service; empty where it needs none."""
        return self.api_key_file.read_text(encoding="utf-8").strip() if self.api_key_file else self.api_key


@cache
def load() -> Settings:
    """The settings of the environment."""
    return Settings()
