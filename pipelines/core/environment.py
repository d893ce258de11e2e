"""Where the project runs, by APP_ENV, and what is too unsafe to run there."""

import os
from collections.abc import Mapping

from pipelines.core.errors import ConfigError
from pipelines.core.names import printable
from pipelines.core.secrets import secret

ENVIRONMENTS = ("dev", "staging", "prod")
SIGNING_KEY = "ARTIFACT_SIGNING_KEY"
WEBHOOK = "MONITORING_WEBHOOK_URL"
_SHORTEST_KEY = 32  # characters


def app_env(environ: Mapping[str, str] | None = None) -> str:
    """`dev` unless APP_ENV says otherwise; ConfigError for what is none of the three."""
    found = (environ if environ is not None else os.environ).get("APP_ENV") or "dev"
    if found not in ENVIRONMENTS:
        raise ConfigError(f"APP_ENV '{printable(found)}' is not allowed. Valid: {', '.join(ENVIRONMENTS)}.")
    return found


def is_strict(environment: str) -> bool:
    """Whether unsafe settings and unsigned artifacts are refused: everywhere but in `dev`."""
    return environment != "dev"


def signing(environ: Mapping[str, str] | None = None) -> tuple[str | None, bool]:
    """The key that signs artifacts, and whether unsigned ones are refused. ConfigError lists all that is unsafe."""
    if problems := unsafe(environ):
        raise ConfigError(refusal(app_env(environ), problems))
    return secret(SIGNING_KEY, environ), is_strict(app_env(environ))


def unsafe(environ: Mapping[str, str] | None = None) -> list[str]:
    """What is wrong with the secrets that scripts and service share: a sentence each."""
    problems, found = [], dict.fromkeys((SIGNING_KEY, WEBHOOK))
    for name in found:
        try:
            found[name] = secret(name, environ)
        except ConfigError as error:
            problems.append(str(error))
    if problems or not is_strict(app_env(environ)):
        return problems
    key, webhook = found[SIGNING_KEY], found[WEBHOOK]
    how = "Set it, or ARTIFACT_SIGNING_KEY_FILE, to what `openssl rand -hex 32` prints."
    if key is None:
        problems.append(f"{SIGNING_KEY} is not set: anybody who can write to the store could replace a model. {how}")
    elif len(key) < _SHORTEST_KEY:
        problems.append(f"{SIGNING_KEY} is shorter than {_SHORTEST_KEY} characters. {how}")
    if webhook is not None and not webhook.startswith("https://"):
        problems.append(f"{WEBHOOK} does not begin with https://: alerts and the address would travel in the clear.")
    return problems


def refusal(environment: str, problems: list[str]) -> str:
    """All problems in one message."""
    lines = "\n".join(f"  - {problem}" for problem in problems)
    return f"the settings are wrong or unsafe (APP_ENV={environment}):\n{lines}"
