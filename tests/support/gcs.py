"""A small Google Cloud Storage over real HTTP, with generations and preconditions, which fails on demand."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.support.serving import Quiet, answering

_OBJECT = re.compile(r"/(?:download/)?storage/v1/b/([^/]+)/o/([^/]+)$")
_LIST = re.compile(r"/storage/v1/b/([^/]+)/o$")
_UPLOAD = re.compile(r"/upload/storage/v1/b/([^/]+)/o$")


@dataclass
class Stored:
    content: bytes
    generation: int
    about: dict[str, Any]
    updated: datetime = field(default_factory=lambda: datetime.now(UTC))

    def as_json(self, bucket: str, name: str) -> dict[str, Any]:
        at = f"{self.updated:%Y-%m-%dT%H:%M:%S.%f}Z"
        return {
            "kind": "storage#object", "bucket": bucket, "name": name, "size": str(len(self.content)),
            "generation": str(self.generation), "updated": at, "timeCreated": at, **self.about,
        }  # fmt: skip


class Refused(Exception):
    """An answer other than success."""

    def __init__(self, status: int, reason: str = "") -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


class Bucket:
    """Objects by name, and what each request met. `fault`: told method and path, says what goes wrong, or None.

    A fault is a status (429, 503), `lost` (done, but the connection breaks before the answer) or `cut` (broken before it
    is done).
    """

    def __init__(self, name: str = "bucket") -> None:
        self.name = name
        self.objects: dict[str, Stored] = {}
        self.requests: list[tuple[str, str]] = []
        self.fault: Callable[[str, str], int | str | None] = lambda method, path: None
        self.url = ""
        self._lock = threading.Lock()
        self._generation = 1_700_000_000_000_000
        self._uploads: dict[str, tuple[str, dict[str, Any], str | None, bytearray]] = {}

    def put(self, name: str, content: bytes, about: dict[str, Any], match: str | None) -> Stored:
        with self._lock:
            there = self.objects.get(name)
            if match is not None and int(match) != (there.generation if there else 0):
                raise Refused(412, "conditionNotMet")
            self._generation += 1
            self.objects[name] = stored = Stored(content, self._generation, about)
            return stored

    def handle(self, method: str, url: str, headers: Any, body: bytes) -> tuple[int, dict[str, str], bytes]:
        parts = urlsplit(url)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        if found := _UPLOAD.fullmatch(parts.path):
            self._is_mine(found[1])
            return self._upload(query, headers, body)
        if found := _LIST.fullmatch(parts.path):
            self._is_mine(found[1])
            return self._list(query)
        if found := _OBJECT.fullmatch(parts.path):
            self._is_mine(found[1])
            return self._object(method, unquote(found[2]), query, headers)
        raise Refused(404, "no such address")

    def _is_mine(self, bucket: str) -> None:
        if bucket != self.name:
            raise Refused(404, "no such bucket")

    def _object(self, method: str, name: str, query: dict[str, str], headers: Any) -> tuple[int, dict[str, str], bytes]:
        with self._lock:
            stored = self.objects.get(name)
            if stored is None or query.get("generation") not in (None, str(stored.generation)):
                raise Refused(404, "no such object")
            if method == "DELETE":
                del self.objects[name]
                return 204, {}, b""
        if query.get("alt") != "media":
            return _json(stored.as_json(self.name, name))
        content, status = stored.content, 200
        if span := re.fullmatch(r"bytes=(\d+)-(\d*)", headers.get("Range", "")):
            status, content = 206, content[int(span[1]) : int(span[2]) + 1 if span[2] else None]
        return (
            status,
            {"X-Goog-Generation": str(stored.generation), "Content-Type": "application/octet-stream"},
            content,
        )

    def _list(self, query: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        """Pages of at most three, so that whoever lists must go on."""
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter")
        with self._lock:
            names = sorted(name for name in self.objects if name.startswith(prefix))
            items, prefixes = [], []
            for name in names:
                head, found, _ = name[len(prefix) :].partition(delimiter) if delimiter else (name, "", "")
                if found:
                    prefixes.append(f"{prefix}{head}{delimiter}")
                else:
                    items.append(self.objects[name].as_json(self.name, name))
        entries = sorted(
            [*((one["name"], one) for one in items), *((one, None) for one in set(prefixes))], key=lambda e: e[0]
        )
        first = int(query.get("pageToken", 0))
        count = min(3, int(query.get("maxResults", 3)))
        page = entries[first : first + count]
        answer: dict[str, Any] = {
            "kind": "storage#objects",
            "items": [one for _, one in page if one],
            "prefixes": [name for name, one in page if one is None],
        }
        if first + count < len(entries):
            answer["nextPageToken"] = str(first + count)
        return _json(answer)

    def _upload(self, query: dict[str, str], headers: Any, body: bytes) -> tuple[int, dict[str, str], bytes]:
        match = query.get("ifGenerationMatch")
        if query["uploadType"] == "multipart":
            border = re.search(r'boundary="?([^";]+)', headers["Content-Type"])
            assert border is not None
            _, first, second, _ = (b"\r\n" + body).replace(b"\r\n--", b"\n--").split(b"\n--" + border[1].encode())
            about = json.loads(re.split(rb"\r?\n\r?\n", first, maxsplit=1)[1])
            content = re.split(rb"\r?\n\r?\n", second, maxsplit=1)[1]
            name = about.pop("name")
            return _json(self.put(name, content, about, match).as_json(self.name, name))
        if "upload_id" not in query:
            upload_id = str(len(self._uploads))
            about = json.loads(body)
            self._uploads[upload_id] = (about.pop("name"), about, match, bytearray())
            return (
                200,
                {
                    "Location": f"{self.url}/upload/storage/v1/b/{self.name}/o?uploadType=resumable&upload_id={upload_id}"
                },
                b"",
            )
        name, about, match, received = self._uploads[query["upload_id"]]
        span = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)", headers["Content-Range"])
        assert span is not None
        received[int(span[1] or 0) :] = body
        if span[2] == "*" or len(received) < int(span[2]):
            return 308, {"Range": f"bytes=0-{len(received) - 1}"}, b""
        return _json(self.put(name, bytes(received), about, match).as_json(self.name, name))


def _json(content: Any) -> tuple[int, dict[str, str], bytes]:
    return 200, {"Content-Type": "application/json"}, json.dumps(content).encode()


@contextmanager
def serve(bucket: Bucket) -> Iterator[Bucket]:
    """The bucket at `bucket.url`, on a port of this machine."""

    class Handler(Quiet):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers.get("Transfer-Encoding") == "chunked":
                body = b"".join(iter(self._chunk, b""))
            bucket.requests.append((self.command, self.path))
            fault = bucket.fault(self.command, self.path)
            if fault == "cut":
                self.close_connection = True
                return
            try:
                if isinstance(fault, int):
                    raise Refused(fault, "as you wished")
                status, headers, content = bucket.handle(self.command, self.path, self.headers, body)
            except Refused as error:
                status, headers, content = _json({"error": {"code": error.status, "message": error.reason}})
                status = error.status
            if fault == "lost":
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = answer

        def _chunk(self) -> bytes:
            size = int(self.rfile.readline(), 16)
            content = self.rfile.read(size)
            self.rfile.readline()
            return content

    with answering(Handler) as bucket.url:
        yield bucket
