"""Objects on gs:// and s3://: uncached reads, whole writes, and replacement only if no other writer was faster.

The clients retry temporary refusals (429, 503) and lost responses for about half a minute. A lost response may belong
to a successful write. So each replacement carries a token, the newest tokens are stored with the object, and a writer
that finds the object changed first checks whether it made the change itself.
"""

import contextlib
import json
import logging
import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Protocol

import fsspec
import tenacity
from fsspec.asyn import sync

from pipelines.core.errors import ConfigError, Conflict, ForecastError, StoreError

_REMEMBERED = 64  # tokens of the newest writes; a store accepts about one write per second and object
_TRIES = 40  # attempts of a replacement while others are faster: about a minute
_FIRST, _LONGEST = 0.02, 2.0  # maximum seconds between attempts, at first and later
_WRITES = "writes"  # metadata key of the tokens


class Changed(Exception):
    """The object has changed since it was read."""


@dataclass(frozen=True)
class Found:
    """A version of an object. `tag`: the version that a write must match; `writes`: the tokens of its newest writes."""

    content: bytes
    tag: str
    writes: tuple[str, ...]


class Conditional(Protocol):
    """Conditional operations that prevent two writers from overwriting each other."""

    def read(self, path: str) -> Found | None:
        """The object with its tag; None if it does not exist. Changed if it was replaced during the read."""
        ...

    def write(self, path: str, content: bytes, writes: tuple[str, ...], tag: str | None) -> None:
        """Replaces the version with the tag, or creates the object without a tag; Changed if it has another version."""
        ...


class Google:
    """gs://, using an object's generation, which changes with each write."""

    def __init__(self, fs: Any) -> None:
        self.fs = fs

    def read(self, path: str) -> Found | None:
        bucket, key, _ = self.fs.split_path(path)
        try:
            about = self.fs.call("GET", "b/{}/o/{}", bucket, key, json_out=True)
        except FileNotFoundError:
            return None
        try:
            _, content = self.fs.call("GET", self.fs.url(path, generation=about["generation"]))
        except FileNotFoundError:
            raise Changed from None
        return Found(content, about["generation"], tuple(about.get("metadata", {}).get(_WRITES, "").split()))

    def write(self, path: str, content: bytes, writes: tuple[str, ...], tag: str | None) -> None:
        bucket, key, _ = self.fs.split_path(path)
        border = secrets.token_hex(16)
        about = {"name": key, "cacheControl": "no-store", "metadata": {_WRITES: " ".join(writes)}}
        head = (
            f"--{border}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n{json.dumps(about)}\r\n"
            f"--{border}\r\nContent-Type: application/octet-stream\r\n\r\n"
        )
        try:
            self.fs.call(
                "POST",
                self.fs.base.removesuffix("/storage/v1/") + "/upload/storage/v1/b/{}/o",
                bucket,
                uploadType="multipart",
                ifGenerationMatch=tag or "0",
                headers={"Content-Type": f'multipart/related; boundary="{border}"'},
                data=head.encode() + content + f"\r\n--{border}--".encode(),
            )
        except FileExistsError:
            raise Changed from None


class Amazon:
    """s3:// and compatible stores, using an object's ETag."""

    def __init__(self, fs: Any) -> None:
        self.fs = fs

    def read(self, path: str) -> Found | None:
        version: Found | None = sync(self.fs.loop, self._get, *self.fs.split_path(path)[:2])
        return version

    async def _get(self, bucket: str, key: str) -> Found | None:
        try:
            answer = await self.fs._call_s3("get_object", Bucket=bucket, Key=key)
        except FileNotFoundError:
            return None
        async with answer["Body"] as body:
            content = await body.read()
        return Found(content, answer["ETag"], tuple(answer["Metadata"].get(_WRITES, "").split()))

    def write(self, path: str, content: bytes, writes: tuple[str, ...], tag: str | None) -> None:
        bucket, key, _ = self.fs.split_path(path)
        condition = {"IfMatch": tag} if tag else {"IfNoneMatch": "*"}
        metadata = {_WRITES: " ".join(writes)}
        try:
            self.fs.call_s3("put_object", Bucket=bucket, Key=key, Body=content, Metadata=metadata, **condition)
        except OSError as error:
            if _code(error) in ("PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"):
                raise Changed from None
            raise


_CONDITIONAL: dict[str, Callable[[Any], Conditional]] = {"gs": Google, "gcs": Google, "s3": Amazon, "s3a": Amazon}


def filesystem(root: str) -> tuple[Any, str]:
    """The file system of an fsspec URL or a folder, and the path in it, without caching of listings."""
    os.environ.setdefault(
        "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false"
    )  # else the type of each bucket is queried over gRPC
    logging.getLogger("gcsfs").addHandler(logging.NullHandler())  # else it prints tracebacks of handled errors
    options = {} if "://" not in root else {"use_listings_cache": False}
    try:
        fs, path = fsspec.core.url_to_fs(root, **options)
    except (ImportError, ValueError) as error:
        raise ConfigError(
            f"cannot be used: {error}",
            code="unknown_store",
            where=root,
            remedy="Install the extra gcp or s3, or name a folder.",
        ) from None
    return fs, path


class Objects:
    """Whole objects below any fsspec URL. Every failure is a StoreError with a remedy."""

    def __init__(self, fs: Any) -> None:
        self.fs = fs

    @cached_property
    def _conditional(self) -> Conditional | None:
        kinds = self.fs.protocol if isinstance(self.fs.protocol, tuple) else (self.fs.protocol,)
        return next((_CONDITIONAL[kind](self.fs) for kind in kinds if kind in _CONDITIONAL), None)

    def read(self, path: str) -> bytes | None:
        """The bytes of an object; None if it does not exist."""
        try:
            with failing_clearly(path, "read"):
                content: bytes = self.fs.cat_file(path)
        except FileNotFoundError:
            return None
        return content

    def write(self, path: str, content: bytes) -> None:
        """Writes an object that has no other writer."""
        with _to_a_bucket(path), failing_clearly(path, "written"):
            self.fs.pipe_file(path, content)

    def fetch(self, path: str, to: str) -> None:
        """Copies an object into a file; FileNotFoundError if it does not exist."""
        with failing_clearly(path, "read"):
            self.fs.get_file(path, to)

    def find(self, path: str) -> dict[str, datetime | None]:
        """All current objects below `path` with the time of their last change."""
        with contextlib.suppress(FileNotFoundError), failing_clearly(path, "listed"):
            objects = self.fs.find(path, detail=True)
            return {name: about.get("mtime") or about.get("LastModified") for name, about in objects.items()}
        return {}

    def remove(self, *paths: str) -> None:
        """Removes objects in order; missing ones are ignored."""
        for path in paths:
            with contextlib.suppress(FileNotFoundError), failing_clearly(path, "removed"):
                self.fs.rm_file(path)

    def create(self, path: str, content: bytes) -> None:
        """Writes a new object; Conflict if it exists."""

        def only(blob: bytes | None) -> bytes:
            if blob is not None:
                raise Conflict(f"{path} is there already, and never changes again", remedy="Write a new one.")
            return content

        if self._conditional is None:
            self.write(path, only(self.read(path)))
        else:
            self.update(path, only)

    def update(self, path: str, change: Callable[[bytes | None], bytes]) -> None:
        """Replaces an object by `change(its content, or None)` atomically; `change` is called again for each new
        content.

        Raises Conflict if other writers are always faster; exceptions of `change` are raised.
        """
        if self._conditional is None:
            raise StoreError(
                f"{path}: what changes needs a folder, gs:// or s3://: nothing else keeps two writers apart",
                remedy="Set FORECAST_DATA_DIR and FORECAST_ARTIFACTS_DIR to one of these.",
            )
        replacement = _Replacement(self._conditional, path, change)
        tries = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(_TRIES),
            wait=tenacity.wait_random_exponential(multiplier=_FIRST, max=_LONGEST),  # desynchronises writers
            retry=tenacity.retry_if_exception_type(Changed),
            reraise=True,
        )
        try:
            tries(replacement.attempt)
        except Changed:
            raise Conflict(f"{path} is being written by others all the time", remedy="Try again.") from None


@dataclass
class _Replacement:
    """One replacement of an object, over all its attempts."""

    store: Conditional
    path: str
    change: Callable[[bytes | None], bytes]
    token: str = field(default_factory=lambda: secrets.token_hex(4))
    failure: StoreError | None = None

    def attempt(self) -> None:
        """Makes one attempt. Raises Changed if another writer was faster or the response was lost; then read again."""
        version = self._look()
        if version is not None and self.token in version.writes:  # an earlier attempt succeeded, its response was lost
            return
        if self.failure is not None:
            raise self.failure
        content = self.change(version.content if version else None)
        before, tag = (version.writes, version.tag) if version else ((), None)
        try:
            with _to_a_bucket(self.path), failing_clearly(self.path, "written"):
                self.store.write(self.path, content, (*before, self.token)[-_REMEMBERED:], tag)
        except StoreError as error:
            self.failure = error
            raise Changed from error

    def _look(self) -> Found | None:
        """The current object. If it cannot be read after a failed write, the error says that the write may have
        succeeded.
        """
        try:
            with failing_clearly(self.path, "read"):
                return self.store.read(self.path)
        except StoreError:
            if self.failure is None:
                raise
            raise StoreError(
                f"{self.failure} It may have been written nevertheless", remedy="Look before you try again."
            ) from self.failure


@contextlib.contextmanager
def failing_clearly(path: str, done: str) -> Iterator[None]:
    """Turns errors of object store clients into a StoreError; FileNotFoundError is passed on."""
    try:
        yield
    except (ForecastError, Changed, FileNotFoundError):
        raise
    except Exception as error:  # every client has its own exception classes
        raise StoreError(f"{path} could not be {done}", remedy=_remedy(error)) from error


@contextlib.contextmanager
def _to_a_bucket(path: str) -> Iterator[None]:
    """Turns FileNotFoundError during a write into an error about a missing bucket."""
    try:
        yield
    except FileNotFoundError as error:
        raise StoreError(
            f"{path} could not be written. There is no such bucket", remedy="Make it, or check the address."
        ) from error


def _remedy(error: Exception) -> str:
    status = _status(error)
    if status in (401, 403):
        return "Access was denied: check the account that this runs as, and its rights on the bucket."
    if status == 429:
        return "The store asks for fewer requests, and has done so for a while: try again in a minute."
    if status is not None and status >= 500:
        return f"The store answers with status {status}, and has done so for a while: try again later."
    told = f"status {status}" if status else type(error).__name__
    return f"The store does not answer as it should ({told}): check its address and the network."


def _status(error: Exception) -> int | None:
    """The HTTP status of an error from gcsfs or s3fs."""
    if isinstance(error, PermissionError) or str(error).startswith("Forbidden:"):
        return 403
    status = getattr(error, "code", None) or _response(error).get("ResponseMetadata", {}).get("HTTPStatusCode")
    return int(status) if str(status).isdigit() else None


def _code(error: Exception) -> str:
    """The S3 error code of an error."""
    return str(_response(error).get("Error", {}).get("Code", ""))


def _response(error: Exception) -> dict[str, Any]:
    response = getattr(error.__cause__, "response", None) or getattr(error, "response", None)
    return response if isinstance(response, dict) else {}
