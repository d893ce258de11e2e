"""Creates an API key: prints it once, and prints the line to store in the service's key file."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from backend.core import keys
from pipelines.core.errors import ConfigError
from scripts import _cli

Name = Annotated[str, typer.Option("--name", help="Who will hold it; shown beside every alias they move.")]
Role = Annotated[str, typer.Option("--role", help="viewer reads, analyst also computes, admin also moves aliases.")]
File = Annotated[Path | None, typer.Option("--file", help="Add the line to this file, the one of API_KEYS_FILE.")]


def create_api_key(name: Name, role: Role = "viewer", file: File = None) -> None:
    """Create an API key. It is shown once; only its SHA-256 is stored."""
    if role not in keys.ROLES:
        raise typer.BadParameter(f"unknown role '{role}'; valid: {', '.join(keys.ROLES)}")
    secret, key = keys.create(name, role)
    if file is not None:
        try:
            with file.open("a", encoding="utf-8") as lines:
                lines.write(f"{key.line}\n")
        except OSError as error:
            raise ConfigError(
                f"cannot be written ({error.strerror})",
                where=str(file),
                code="file_not_writable",
                remedy="Name another file, or correct its permissions.",
            ) from None
    kept = f"added to {file}" if file else f"for API_KEYS or the file of API_KEYS_FILE: {key.line}"
    sys.stderr.write(f"{kept}\n")
    sys.stdout.write(f"{secret}\n")


main = _cli.command(create_api_key)

if __name__ == "__main__":
    main()
