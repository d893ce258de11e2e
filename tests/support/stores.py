"""Object stores on this machine: what a test on gs:// or s3:// needs."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Literal
from unittest.mock import patch

import fsspec
import gcsfs.retry
import s3fs.core

from tests.support import gcs, s3

Kind = Literal["gs", "s3"]
Bucket = gcs.Bucket | s3.Bucket


@contextmanager
def serve(kind: Kind) -> Iterator[Bucket]:
    """An empty bucket `bucket`, reached by this process and its children; the clients' pauses are short."""
    with gcs.serve(gcs.Bucket()) if kind == "gs" else s3.serve(s3.Bucket()) as bucket, _at(kind, bucket.url):
        yield bucket


@contextmanager
def _at(kind: Kind, url: str) -> Iterator[None]:
    environ = {"STORAGE_EMULATOR_HOST": url}
    if kind == "s3":
        environ = {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_MAX_ATTEMPTS": "1",  # s3fs tries again as well
        }
    with patch.dict(os.environ, environ), _impatient():
        fsspec.get_filesystem_class(kind).clear_instance_cache()
        try:
            yield
        finally:
            fsspec.get_filesystem_class(kind).clear_instance_cache()


@contextmanager
def _impatient() -> Iterator[None]:
    """The clients wait a hundredth of the time before they try again; s3fs tries as often as gcsfs and more."""
    quick = SimpleNamespace(**{**vars(asyncio), "sleep": lambda seconds: asyncio.sleep(seconds / 100)})
    with (
        patch.object(gcsfs.retry, "asyncio", quick),
        patch.object(s3fs.core, "asyncio", quick),
        patch.object(s3fs.S3FileSystem, "retries", 8),
    ):
        yield
