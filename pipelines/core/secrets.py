"""Secrets: each comes from its environment variable, or from the file that the variable with _FILE names. There is no other way in.

A value stands in no error, log or repr: only its name is ever shown.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from pipelines.core.errors import ConfigError


def secret(name: str, environ: Mapping[str, str] | None = None) -> str | None:
    """The value of `name`, or the content of the file of `<name>_FILE`, as a secret is mounted; None if neither is set.

    White space around it is dropped. ConfigError where both are set, or the file is empty or cannot be read.
    """
    environ = os.environ if environ is None else environ
    value, file = (environ.get(name) or "").strip(), environ.get(f"{name}_FILE")
    if not file:
        return value or None
    if value:
        raise ConfigError(
            f"{name} and {name}_FILE are both set",
            code="secret_set_twice",
            field=f"{name}_FILE",
            remedy="Unset one of them.",
        )
    try:
        content = Path(file).read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        raise ConfigError(
            f"the file {file} cannot be read as text",
            code="secret_file_unreadable",
            field=f"{name}_FILE",
            remedy="Mount it, or unset the variable.",
        ) from None
    if not content:
        raise ConfigError(
            f"the file {file} is empty",
            code="secret_file_empty",
            field=f"{name}_FILE",
            remedy="Put the secret into it, or unset the variable.",
        )
    return content


def address(url: str) -> str:
    """An address without what may be a secret: user, password and query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
