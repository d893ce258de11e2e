"""Secrets, read only from environment variables or from the files that variables with the suffix _FILE name.

Values never appear in errors, logs or reprs; only names are shown.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from pipelines.core.errors import ConfigError


def secret(name: str, environ: Mapping[str, str] | None = None) -> str | None:
    """The value of `name`, or the content of the file that `<name>_FILE` names (a mounted secret); None if neither is
    set.

    Surrounding white space is removed. ConfigError if both are set, or if the file is empty or cannot be read.
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
    """An address without the parts that may be secret: user, password and query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
