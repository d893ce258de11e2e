"""API keys and their roles. Only the SHA-256 of a key is stored; keys are found by prefix and compared in constant
time.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from pipelines.core.errors import ConfigError
from pipelines.core.names import printable

Role = Literal["viewer", "analyst", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)  # each includes the ones before it

_LINE = re.compile(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9._@-]{0,63}):(?P<role>[a-z]+):(?P<prefix>fc_[0-9a-f]{8}):(?P<sha256>[0-9a-f]{64})"
)
_NOBODY = "0" * 64


@dataclass(frozen=True)
class Key:
    """Holder, role and metadata of a key."""

    name: str
    role: Role
    prefix: str
    sha256: str

    @property
    def line(self) -> str:
        """The key as a line of API_KEYS or its file."""
        return f"{self.name}:{self.role}:{self.prefix}:{self.sha256}"

    def may(self, role: Role) -> bool:
        """Whether the holder may do what `role` may."""
        return ROLES.index(self.role) >= ROLES.index(role)


LOCAL = Key("local", "admin", "", "")  # any local user, when no keys are configured
ANONYMOUS = Key("anonymous", "viewer", "", "")  # a request without a valid key, on the routes that need none


def create(name: str, role: Role) -> tuple[str, Key]:
    """A new key: the secret, shown once, and the record to store."""
    prefix = f"fc_{secrets.token_hex(4)}"
    secret = f"{prefix}_{secrets.token_urlsafe(32)}"
    return secret, parse_keys(Key(name, role, prefix, _digest(secret)).line)[0]


def parse_keys(text: str) -> tuple[Key, ...]:
    """Parses keys separated by newlines or commas; `#` starts a comment. ConfigError names the wrong line without
    showing it.
    """
    keys: dict[str, Key] = {}
    lines = [line.partition("#")[0].strip() for line in text.replace(",", "\n").splitlines()]
    for number, line in enumerate(filter(None, lines), start=1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise ConfigError(
                f"API key {number} is not of the form name:role:prefix:sha256 "
                "(name of letters, digits, '.', '_', '@', '-')",
                code="wrong_api_key",
                field="API_KEYS",
                found=number,
                remedy="Make it with scripts/create_api_key.py.",
            )
        role = next((known for known in ROLES if known == match["role"]), None)
        if role is None:
            raise ConfigError(
                f"API key {number}: unknown role '{printable(match['role'])}'",
                code="wrong_api_key",
                field="API_KEYS",
                found=number,
                remedy=f"Use one of: {', '.join(ROLES)}.",
            )
        if match["prefix"] in keys:
            raise ConfigError(
                f"API key {number} has the prefix of an earlier one",
                code="wrong_api_key",
                field="API_KEYS",
                found=number,
                remedy="Remove one of them.",
            )
        keys[match["prefix"]] = Key(match["name"], role, match["prefix"], match["sha256"])
    return tuple(keys.values())


class Keyring:
    """The accepted keys."""

    def __init__(self, keys: Iterable[Key]) -> None:
        self._keys = {key.prefix: key for key in keys}

    def __bool__(self) -> bool:
        return bool(self._keys)

    def find(self, secret: str) -> Key | None:
        """The key with this secret, or None. Takes the same time either way."""
        key = self._keys.get(secret[:11])
        same = hmac.compare_digest(_digest(secret), key.sha256 if key else _NOBODY)
        return key if same else None


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
