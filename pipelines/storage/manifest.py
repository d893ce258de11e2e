"""Manifest of a finished directory: every file with size and SHA-256, and a signature over that list."""

import hashlib
import hmac
import json
from dataclasses import asdict, dataclass
from typing import BinaryIO, Self

from pipelines.core import documents
from pipelines.core.errors import Untrusted

NAME = "MANIFEST.json"
_PIECE = 1 << 20  # bytes


@dataclass(frozen=True)
class Entry:
    size: int
    sha256: str

    @classmethod
    def of(cls, content: bytes) -> Self:
        return cls(len(content), hashlib.sha256(content).hexdigest())

    @classmethod
    def of_stream(cls, file: BinaryIO) -> Self:
        """The entry for the rest of an open file, read in pieces."""
        digest, size = hashlib.sha256(), 0
        while piece := file.read(_PIECE):
            digest.update(piece)
            size += len(piece)
        return cls(size, digest.hexdigest())


@dataclass(frozen=True)
class Manifest:
    """`files` by name within the directory; `signature` is null if no key was set."""

    files: dict[str, Entry]
    signature: str | None = None

    def signed(self, key: str | None) -> "Manifest":
        """The same list with its HMAC-SHA256, or without one if there is no key."""
        return Manifest(self.files, _sign(self.files, key) if key else None)

    def check(self, key: str | None, required: bool, where: str) -> None:
        """Raises Untrusted unless the signature is valid; a missing one passes only if none is `required`."""
        if key is None and required:
            raise Untrusted(
                "ARTIFACT_SIGNING_KEY is not set, and production loads only signed artifacts",
                where=where,
                field="ARTIFACT_SIGNING_KEY",
                code="signing_key_missing",
                remedy="Set it to the key that they were signed with.",
            )
        if self.signature is None:
            if required:
                raise Untrusted(
                    "the manifest is not signed", where=where, remedy="Make it again with ARTIFACT_SIGNING_KEY set."
                )
            return
        if key is not None and not hmac.compare_digest(
            _sign(self.files, key).encode(), self.signature.encode(errors="replace")
        ):
            raise Untrusted(
                "the signature is wrong: the manifest was changed, or signed with another key",
                where=where,
                remedy="Check ARTIFACT_SIGNING_KEY, or use another run.",
            )

    def check_file(self, name: str, content: bytes, where: str) -> None:
        """Raises Untrusted unless `content` matches the entry of `name`."""
        self._compare(name, Entry.of(content), where)

    def check_stream(self, name: str, file: BinaryIO, where: str) -> None:
        """Checks an open file as `check_file` does, reading it to its end."""
        self._compare(name, Entry.of_stream(file), where)

    def _compare(self, name: str, file: Entry, where: str) -> None:
        entry = self.files.get(name)
        if entry is None:
            raise Untrusted("the manifest does not list this file", where=f"{where}/{name}", remedy="Use another run.")
        if file != entry:
            raise Untrusted(
                "the content is not what was written (SHA-256 differs)",
                where=f"{where}/{name}",
                remedy="Use another run.",
            )

    def to_json(self) -> bytes:
        return json.dumps({"files": _listing(self.files), "signature": self.signature}, indent=1).encode()

    @classmethod
    def from_json(cls, content: bytes, where: str) -> Self:
        try:
            values = documents.parse(content)
            files = {name: Entry(**entry) for name, entry in values["files"].items()}
            if not all(isinstance(one.size, int) and isinstance(one.sha256, str) for one in files.values()):
                raise ValueError
            signature = values["signature"]
            return cls(files, signature if signature is None else str(signature))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Untrusted(
                "the manifest cannot be read", where=where, remedy="Use another run, or restore this one."
            ) from None


def _listing(files: dict[str, Entry]) -> dict[str, dict[str, int | str]]:
    return {name: asdict(entry) for name, entry in sorted(files.items())}


def _sign(files: dict[str, Entry], key: str) -> str:
    return hmac.new(key.encode(), json.dumps(_listing(files)).encode(), hashlib.sha256).hexdigest()
