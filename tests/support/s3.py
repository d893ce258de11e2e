"""moto's S3 over real HTTP, with writes one at a time, as S3 makes them, and failures on demand."""

import io
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.models import s3_backends
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.support.serving import serving

_SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"


@dataclass
class Bucket:
    """A bucket at `url`. `fault` as that of the fake Google Cloud Storage."""

    name: str = "bucket"
    requests: list[tuple[str, str]] = field(default_factory=list)
    fault: Callable[[str, str], int | str | None] = lambda method, path: None
    url: str = ""

    @property
    def names(self) -> set[str]:
        """The objects that there are."""
        return set(s3_backends["123456789012"]["aws"].buckets[self.name].keys)


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, *_: Any, **__: Any) -> None:
        pass


@contextmanager
def serve(bucket: Bucket) -> Iterator[Bucket]:
    """The bucket on a port of this machine, empty."""
    moto = DomainDispatcherApplication(create_backend_app)
    lock = threading.Lock()

    def app(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
        bucket.requests.append((method, path))
        fault = bucket.fault(method, path)
        if isinstance(fault, int):
            start(f"{fault} Wished", [("Content-Length", str(len(_SLOW_DOWN))), ("Content-Type", "application/xml")])
            return [] if method == "HEAD" else [_SLOW_DOWN]
        if fault != "cut":
            with lock:  # moto looks at a condition, and writes after that
                answer = list(moto(environ, start))
        if fault in ("cut", "lost"):
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            raise ConnectionAbortedError
        return answer

    s3_backends.reset()
    s3_backends["123456789012"]["aws"].create_bucket(bucket.name, "us-east-1")
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    bucket.url = f"http://127.0.0.1:{server.port}"
    with serving(server):
        yield bucket
