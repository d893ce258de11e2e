"""Settings of the web app: address and key of the service, from environment variables `APP_…`."""

import re
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, HttpUrl, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

_HOST = re.compile(r"(\*\.)?[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?|[0-9a-f:]*:[0-9a-f:.]*")  # a name, or an address


class WrongSetting(Exception):
    """Invalid environment variables, one line per variable."""


class Settings(BaseSettings):
    """Settings of the web app. The key stays in this process: no page, log or error shows it."""

    model_config = SettingsConfigDict(env_prefix="APP_", frozen=True, extra="ignore", hide_input_in_errors=True)

    api_url: HttpUrl = HttpUrl("http://127.0.0.1:8000")
    api_key: Annotated[str, Field(repr=False)] = ""
    api_key_file: Path | None = None  # alternative to api_key: a file that holds it, such as a mounted secret
    api_audience: str = ""  # for a private Cloud Run service: its address as Cloud Run gives it
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = ()  # host names of the app besides localhost, comma-separated
    public: bool = False  # whether the app is open to everyone; then its key must not be an admin's
    api_timeout: Annotated[float, Field(gt=0)] = 60.0  # seconds; long enough to compute a forecast

    @field_validator("allowed_hosts", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(filter(None, map(str.strip, value.lower().split(",")))) if isinstance(value, str) else value

    @field_validator("allowed_hosts")
    @classmethod
    def _hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := [one for one in value if not _HOST.fullmatch(one)]:
            raise ValueError(
                f"found {wrong[0]!r:.80}; give names such as app.example.com or *.example.com, without scheme and port"
            )
        return value

    @model_validator(mode="after")
    def _one_key(self) -> Self:
        if self.api_key and self.api_key_file:
            raise ValueError("APP_API_KEY and APP_API_KEY_FILE are both set: unset one of them")
        return self

    @property
    def key(self) -> str:
        """Key for the service; empty if it needs none."""
        return self.api_key_file.read_text(encoding="utf-8").strip() if self.api_key_file else self.api_key.strip()


@cache
def load() -> Settings:
    """Settings from the environment. Raises WrongSetting with all mistakes, without their values: one may be a key."""
    try:
        return Settings()
    except ValidationError as error:
        told = [
            f"{'APP_' if one['loc'] else ''}{'_'.join(map(str, one['loc'])).upper()}: {one['msg']}."
            for one in error.errors()
        ]
        raise WrongSetting("\n".join(one.removeprefix(": ") for one in told)) from None
