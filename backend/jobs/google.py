"""Cloud Run client: starts an execution of a deployed job, tracks and cancels it, and reads its output.

Uses the Admin API v2 and the Logging API v2 with the token of the service's own account. The entry point of the job's
image must be `python`, because only its arguments are passed, such as `-m scripts.train --workspace shop --json-log`.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import tenacity

from backend.jobs.record import State
from pipelines.core.errors import NotFound, StoreError

if TYPE_CHECKING:  # the extra gcp, installed only where jobs run on Cloud Run
    import requests

_SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]
_TIMEOUT = 20.0  # seconds per call
_TRIES = 5  # attempts per call on temporary failures: about ten seconds
_LINES = 500  # newest log entries that are read
_FRESH = 5.0  # seconds for which a log is cached: a project may read logs sixty times per minute
_JOB_ID = "JOB_ID"


@dataclass(frozen=True)
class Execution:
    """State of an execution. `name`: `projects/…/executions/…`."""

    name: str
    state: State
    started_at: str | None = None
    finished_at: str | None = None
    message: str = ""


@dataclass(frozen=True)
class CloudRun:
    """The jobs `<prefix><kind>` of a project and region; underscores of a kind become hyphens."""

    project: str
    region: str
    prefix: str
    url: str = "https://run.googleapis.com"
    logging_url: str = "https://logging.googleapis.com"
    pause: float = 1.0  # maximum seconds before the second attempt, at least half of it; later pauses double
    _logs: dict[str, tuple[float, list[bytes]]] = field(default_factory=dict, compare=False, repr=False)

    def start(self, kind: str, job_id: str, command: Sequence[str]) -> str:
        """Starts `python -m <command>` and returns the name of the execution. A lost response never starts it twice.
        StoreError.
        """
        override = {"args": ["-m", *command], "env": [{"name": _JOB_ID, "value": job_id}]}
        body = {"overrides": {"containerOverrides": [override]}}
        tries = self._tries()

        def begin() -> str:
            if tries.statistics["attempt_number"] > 1 and (begun := self.find(kind, job_id)):
                return begun
            return str(self._call("POST", f"{self._job(kind)}:run", body)["metadata"]["name"])

        try:
            return tries(begin)
        except _Unclear as failure:
            if begun := self.find(kind, job_id):
                return begun
            raise StoreError(
                f"the job {self.prefix}{kind} could not be started: {failure}", remedy="Try again in a minute."
            ) from failure

    def find(self, kind: str, job_id: str) -> str | None:
        """The execution that was started for a job, among the newest 50."""
        answer = self._patiently("GET", f"{self._job(kind)}/executions?pageSize=50")
        for execution in answer.get("executions", []):
            for container in execution.get("template", {}).get("containers", []):
                if {"name": _JOB_ID, "value": job_id} in container.get("env", []):
                    return str(execution["name"])
        return None

    def look(self, execution: str) -> Execution:
        """The current state of an execution; NotFound once Cloud Run has deleted it."""
        answer = self._patiently("GET", f"{self.url}/v2/{execution}")
        started, finished = answer.get("startTime"), answer.get("completionTime")
        failed = [one for one in answer.get("conditions", []) if one.get("state") == "CONDITION_FAILED"]
        message = str(failed[0].get("message", "")) if failed else ""
        return Execution(execution, _state(answer), started, finished, message)

    def cancel(self, execution: str) -> None:
        """Requests cancellation of an execution; has no effect on one that has ended."""
        self._patiently("POST", f"{self.url}/v2/{execution}:cancel", {})

    def lines(self, execution: str) -> list[bytes]:
        """The newest lines printed by an execution, oldest first, at most a few seconds old."""
        at, known = self._logs.get(execution, (0.0, []))
        if at and time.monotonic() - at < _FRESH:
            return known
        names = ["cloud_run_job", self.project, execution.rpartition("/")[2]]
        body = {
            "resourceNames": [f"projects/{self.project}"],
            "filter": 'resource.type="{}" AND logName:"projects/{}/logs/run.googleapis.com" AND '
            'labels."run.googleapis.com/execution_name"="{}"'.format(*names),
            "orderBy": "timestamp desc",
            "pageSize": _LINES,
        }
        entries = self._patiently("POST", f"{self.logging_url}/v2/entries:list", body).get("entries", [])
        lines = [_line(entry) for entry in reversed(entries)]
        self._logs.clear()  # only the latest execution is cached
        self._logs[execution] = time.monotonic(), lines
        return lines

    def _job(self, kind: str) -> str:
        place = f"projects/{self.project}/locations/{self.region}"
        return f"{self.url}/v2/{place}/jobs/{self.prefix}{kind.replace('_', '-')}"

    @cached_property
    def _session(self) -> "requests.Session":
        from google.auth.compute_engine import Credentials
        from google.auth.transport.requests import AuthorizedSession

        return AuthorizedSession(Credentials(scopes=_SCOPES))  # type: ignore[no-untyped-call]

    def _patiently(self, method: str, url: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Makes a call that is safe to repeat, with retries."""
        try:
            return self._tries()(self._call, method, url, body)
        except _Unclear as failure:
            raise StoreError(f"Cloud Run does not answer: {failure}", remedy="Try again in a minute.") from failure

    def _tries(self) -> tenacity.Retrying:
        """Retries a function while its outcome is unclear, with random pauses that spread out concurrent callers."""
        return tenacity.Retrying(
            stop=tenacity.stop_after_attempt(_TRIES),
            wait=tenacity.wait_random_exponential(multiplier=self.pause, min=self.pause / 2),
            retry=tenacity.retry_if_exception_type(_Unclear),
            reraise=True,
        )

    def _call(self, method: str, url: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        import requests
        from google.auth.exceptions import GoogleAuthError, TransportError

        try:
            answer = self._session.request(method, url, json=body, timeout=_TIMEOUT, allow_redirects=False)
        except (requests.RequestException, TransportError) as error:
            raise _Unclear(f"no answer ({type(error).__name__})") from error
        except GoogleAuthError as error:
            raise StoreError(
                "the account of this service has no token for Cloud Run", remedy="Run it on Google Cloud."
            ) from error
        if answer.status_code == 404:
            raise NotFound(
                f"Cloud Run has no {url.partition('/v2/')[2].partition('?')[0]}",
                remedy="Check the names of its project, region and jobs.",
            )
        if answer.status_code in (408, 429) or answer.status_code >= 500:
            raise _Unclear(f"status {answer.status_code}")
        if not answer.ok or answer.is_redirect:  # no redirects: the token is for this address only
            raise StoreError(
                f"Cloud Run refuses with status {answer.status_code}",
                found=answer.status_code,
                remedy="Check the rights of this service's account.",
            )
        content: dict[str, Any] = answer.json()
        return content


class _Unclear(Exception):
    """The call may or may not have had an effect, so it is retried."""


def _state(execution: dict[str, Any]) -> State:
    if execution.get("completionTime") is None:
        return "running" if execution.get("startTime") else "queued"
    if execution.get("cancelledCount"):
        return "cancelled"
    return "failed" if execution.get("failedCount") or not execution.get("succeededCount") else "succeeded"


def _line(entry: dict[str, Any]) -> bytes:
    """The printed line, restored from JSON if Cloud Run has parsed it."""
    if "jsonPayload" in entry:
        return json.dumps({**entry["jsonPayload"], "timestamp": entry.get("timestamp")}).encode()
    return str(entry.get("textPayload", "")).encode()
