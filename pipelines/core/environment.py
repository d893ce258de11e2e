"""The environment (APP_ENV) and checks for settings that are unsafe in it."""

import os
from collections.abc import Mapping, Sequence

from pipelines.core.errors import ConfigError, ConfigErrors
from pipelines.core.names import printable
from pipelines.core.secrets import secret

ENVIRONMENTS = ("dev", "staging", "prod")
SIGNING_KEY = "ARTIFACT_SIGNING_KEY"
WEBHOOK = "MONITORING_WEBHOOK_URL"
_SHORTEST_KEY = 32  # characters


def app_env(environ: Mapping[str, str] | None = None) -> str:
    """The value of APP_ENV, `dev` by default; ConfigError if it is none of the three."""
    environment = (environ if environ is not None else os.environ).get("APP_ENV") or "dev"
    if environment not in ENVIRONMENTS:
        raise ConfigError(
            f"'{printable(environment)}' is not allowed",
            field="APP_ENV",
            code="unknown_environment",
            found=printable(environment),
            remedy=f"Use one of: {', '.join(ENVIRONMENTS)}.",
        )
    return environment


def is_strict(environment: str) -> bool:
    """Whether unsafe settings and unsigned artifacts are refused: everywhere but in `dev`."""
    return environment != "dev"


def signing(environ: Mapping[str, str] | None = None) -> tuple[str | None, bool]:
    """The key that signs artifacts, and whether unsigned ones are refused. ConfigError lists every unsafe setting."""
    if problems := unsafe(environ):
        raise refusal(app_env(environ), problems)
    return secret(SIGNING_KEY, environ), is_strict(app_env(environ))


def unsafe(environ: Mapping[str, str] | None = None) -> list[ConfigError]:
    """One error for each problem with the secrets that scripts and service share."""
    problems: list[ConfigError] = []
    secrets = dict.fromkeys((SIGNING_KEY, WEBHOOK))
    for name in secrets:
        try:
            secrets[name] = secret(name, environ)
        except ConfigError as error:
            problems.append(error)
    if problems or not is_strict(app_env(environ)):
        return problems
    key, webhook = secrets[SIGNING_KEY], secrets[WEBHOOK]
    how = "Set it, or ARTIFACT_SIGNING_KEY_FILE, to what `openssl rand -hex 32` prints."
    if key is None:
        missing = "it is not set: anybody who can write to the store could replace a model"
        problems.append(ConfigError(missing, code="signing_key_missing", field=SIGNING_KEY, remedy=how))
    elif len(key) < _SHORTEST_KEY:
        short = f"it is shorter than {_SHORTEST_KEY} characters"
        problems.append(ConfigError(short, code="signing_key_too_short", field=SIGNING_KEY, found=len(key), remedy=how))
    if webhook is not None and not webhook.startswith("https://"):
        clear = "it does not begin with https://: alerts and the address would travel in the clear"
        remedy = "Use an https address."
        problems.append(ConfigError(clear, code="not_encrypted", field=WEBHOOK, remedy=remedy))
    return problems


def refusal(environment: str, problems: Sequence[ConfigError]) -> ConfigErrors:
    """The error for all problems at once."""
    head = f"the settings are wrong or unsafe (APP_ENV={environment})"
    return ConfigErrors(head, problems, code="unsafe_settings")
