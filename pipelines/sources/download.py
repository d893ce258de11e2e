"""A file downloaded once and cached; it is used only if its SHA-256 matches the configured one."""

import hashlib
import http.client
import re
import ssl
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Annotated, Any
from urllib.parse import unquote, urlsplit

from pydantic import Field, StringConstraints, ValidationInfo, field_validator

from pipelines.core.errors import DataError
from pipelines.core.layers import as_value_error
from pipelines.core.names import safe_name
from pipelines.core.secrets import address
from pipelines.sources import Raw, Source
from pipelines.sources.file import ENDINGS, ReadOptions, read_table
from pipelines.storage import layout

_TIMEOUT = 30  # seconds without a response
_CHUNK = 1 << 20


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to another host only if the address contains no key."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        before, after = urlsplit(req.full_url), urlsplit(newurl)
        if (before.scheme, before.netloc) != (after.scheme, after.netloc) and address(req.full_url) != req.full_url:
            raise urllib.error.URLError("it redirects to another host, and its address holds a key")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


_OPENER = urllib.request.build_opener(_Redirects)


class Options(ReadOptions):
    url: str
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{64}$", to_lower=True)]
    filename: Annotated[str, Field(validate_default=True)] = ""  # empty: the last part of the address

    @field_validator("url")
    @classmethod
    def _allowed_scheme(cls, value: str) -> str:
        if urlsplit(value).scheme not in ("https", "http", "file"):
            raise ValueError("use an address that starts with https://, http:// or file://")
        return value

    @field_validator("filename")
    @classmethod
    def _usable_filename(cls, value: str, info: ValidationInfo) -> str:
        """The name in the cache; its extension sets how the file is read."""
        if not value and "url" not in info.data:
            return value  # the address is wrong, which is already reported
        last = PurePosixPath(unquote(urlsplit(info.data.get("url", "")).path)).name
        name = value or re.sub(r"[^A-Za-z0-9._-]+", "_", last)
        with as_value_error():
            safe_name(name, "filename")
        if not name.lower().endswith(ENDINGS):
            raise ValueError(
                f"'{name}' has none of the endings {', '.join(ENDINGS)}; set source.filename to one that has"
            )
        return name


@dataclass(frozen=True)
class DownloadSource:
    options: Options
    data_dir: Path

    def read(self) -> Raw:
        """All rows of the file, which is downloaded unless an intact copy exists."""
        if not self.path.is_file() or _sha256(self.path) != self.options.sha256:
            self._download()
        rows, notes = read_table(self.path, self.options)
        return Raw(rows, f"{self._address} (SHA-256 {self.options.sha256})", notes=notes)

    @property
    def path(self) -> Path:
        """The path of the cached file."""
        place = layout.download(f"{self.options.sha256}-{self.options.filename}")
        return self.data_dir.absolute().joinpath(*place.parts)

    @property
    def _address(self) -> str:
        return address(self.options.url)

    def _download(self) -> None:
        """Downloads to a temporary file and moves it into place if its hash matches."""
        part = None
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self.path.parent, prefix=".part-", delete=False) as file:
                part = Path(file.name)
                checksum = self._fetch(file)
            if checksum != self.options.sha256:
                raise DataError(
                    f"found a file with SHA-256 {checksum}, expected {self.options.sha256}. It was not kept",
                    code="wrong_checksum",
                    field="source.sha256",
                    found=checksum,
                    where=self._address,
                    remedy="Check the address, and set source.sha256 if the file was meant to change.",
                )
            part.replace(self.path)
        except OSError as error:  # missing folder or full disk
            raise DataError(
                f"cannot be written ({error.strerror or error})",
                code="cache_not_writable",
                where=str(self.path),
                remedy="Check the data folder.",
            ) from None
        finally:
            if part is not None:
                part.unlink(missing_ok=True)

    def _fetch(self, file: IO[bytes]) -> str:
        """Downloads the address into `file` and returns its SHA-256."""
        digest = hashlib.sha256()
        try:
            with _OPENER.open(self.options.url, timeout=_TIMEOUT) as answer:
                while chunk := answer.read(_CHUNK):
                    digest.update(chunk)
                    file.write(chunk)
                if getattr(answer, "length", 0):  # http.client does not report missing bytes
                    raise self._unreachable("the transfer broke off")
        except urllib.error.HTTPError as error:
            error.close()
            raise self._unreachable(f"the server answered {error.code} {error.reason}") from None
        except urllib.error.URLError as error:
            raise self._unreachable(str(error.reason)) from None
        except TimeoutError:
            raise self._unreachable(f"no answer within {_TIMEOUT} seconds") from None
        except (
            http.client.HTTPException,
            ConnectionError,
            ssl.SSLError,
            ValueError,
        ) as error:  # their texts may contain the address
            raise self._unreachable(f"the transfer failed: {type(error).__name__}") from None
        return digest.hexdigest()

    def _unreachable(self, reason: str) -> DataError:
        there = f" (what is there now has SHA-256 {_sha256(self.path)})" if self.path.is_file() else ""
        return DataError(
            f"cannot be downloaded ({reason})",
            code="download_failed",
            field="source.url",
            found=reason,
            where=self._address,
            remedy="Try again or correct source.url, or "
            f"put the file with SHA-256 {self.options.sha256} at {self.path} by hand{there}.",
        )


def build(options: Options, data_dir: Path) -> Source:
    return DownloadSource(options, data_dir)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
