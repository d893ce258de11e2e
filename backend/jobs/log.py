"""The output of a job's script as clients may see it: without paths, environment values and tracebacks."""

import contextlib
import json
import re
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backend.jobs.record import LOG, TRACE, Progress, now
from pipelines.core.errors import ConfigError
from pipelines.core.names import printable
from pipelines.core.secrets import secret
from pipelines.storage.disk import replace_file

KEPT = 200  # lines that are shown, and that remain when the log is truncated
INSIDE = "Something failed inside the pipeline. Whoever runs the service finds the reason in the job's folder."

_LONGEST = 2_000  # characters of a line or an error
_LARGEST = 4 * 2**20  # bytes of the log
_ERROR, _TRACEBACK = "error: ", "Traceback (most recent call last)"
_IN_PATH = r"[^\s'\"`:;,()<>|\[\]{}/]+"
_PATH = re.compile(rf"(?<![\w.~%)\]/])/(?:{_IN_PATH}/)*({_IN_PATH})/?")  # 1/2, a/b and https://x do not match
_PASSWORD = re.compile(r"(?<=://)[^/\s@]+@")
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_SECRET = re.compile(r"KEY|SECRET|TOKEN|PASS|CREDENTIAL|AUTH|DSN", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z_.-]*")

Entry = dict[str, object]  # an event logged by a script: `event`, `timestamp`, `level` and its fields


class Log:
    """Parses the output line by line; tracks the progress of the script and its error message."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self.folder = folder
        self.progress: Progress | None = None
        self._values = _values(environ)
        self._newest: deque[str] = deque(maxlen=KEPT)
        self._error: list[str] = []
        self._inside = False  # inside a traceback
        self._failed_inside = False

    @property
    def error(self) -> str | None:
        """The script's own message, which begins with `error:`; after a traceback, where to find it."""
        if self._error:
            return "\n".join(self._error)[:_LONGEST]
        return INSIDE if self._failed_inside else None

    def add(self, raw: bytes) -> None:
        """Adds one line of output. Tracebacks are for operators and go to a separate file."""
        text = _ANSI.sub("", raw.decode("utf-8", "replace")).rstrip()
        if not text:
            return
        entry = _entry(text)
        if _TRACEBACK in text:
            if not self._inside:
                self._write({"timestamp": now(), "level": "error", "event": INSIDE})
            self._inside = self._failed_inside = True
        elif entry or text.startswith(_ERROR):
            self._inside = False
        if self._inside:
            with (self.folder / TRACE).open("a", encoding="utf-8") as trace:
                trace.write(self._hidden(text) + "\n")
        elif entry:
            self._event(self._shown(entry))
        else:
            self._line(self._shown(text))

    def _event(self, entry: Entry) -> None:
        """Handles a line of `--json-log`: a progress event or a fact."""
        self._error = []
        self.progress = {"stage": str(entry["event"]), "done": _count(entry, "done"), "total": _count(entry, "total")}
        self._write(entry)

    def _line(self, text: str) -> None:
        """Handles output of libraries, or the final message of a script, which may have several lines."""
        if text.startswith(_ERROR):
            self._error = [text.removeprefix(_ERROR)]
        elif self._error:
            self._error.append(text)
        level = "error" if self._error else "info"
        self._write({"timestamp": now(), "level": level, "event": text})

    def _write(self, entry: Entry) -> None:
        line = json.dumps(entry, ensure_ascii=False)
        self._newest.append(line)
        with (self.folder / LOG).open("a", encoding="utf-8") as log:
            log.write(line + "\n")
            full = log.tell() > _LARGEST
        if full:
            replace_file(str(self.folder / LOG), "".join(f"{kept}\n" for kept in self._newest).encode())

    def _shown(self, value: Any) -> Any:
        """The value with every text in it redacted."""
        match value:
            case str():
                return printable(_PATH.sub(r"\1", self._hidden(value)), _LONGEST)
            case dict():
                return {str(name): self._shown(one) for name, one in value.items()}
            case list():
                return [self._shown(one) for one in value]
            case _:
                return value

    def _hidden(self, text: str) -> str:
        for value, name in self._values:
            text = text.replace(value, f"[{name}]")
        return _PASSWORD.sub("", text)


def _entry(text: str) -> Entry | None:
    """The event in a line of JSON, or None."""
    if not text.startswith("{"):
        return None
    try:
        entry = json.loads(text)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) and isinstance(entry.get("event"), str) else None


def _count(entry: Entry, name: str) -> int | None:
    value = entry.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _values(environ: Mapping[str, str]) -> list[tuple[str, str]]:
    """Values of the environment that must not be shown, longest first, with their names.

    Secrets are recognised by name, including those read from files; other values are hidden unless they are plain
    words. Paths are shortened separately.
    """
    mounted = {}
    for name in environ:
        with contextlib.suppress(ConfigError):
            if name.endswith("_FILE") and _SECRET.search(name):
                mounted[name.removesuffix("_FILE")] = secret(name.removesuffix("_FILE"), environ) or ""
    values = [
        (value, name)
        for name, value in {**environ, **mounted}.items()
        if (len(value) >= 4 and _SECRET.search(name))
        or (len(value) >= 8 and not value.startswith("/") and not _WORD.fullmatch(value))
    ]
    return sorted(values, key=lambda pair: -len(pair[0]))
