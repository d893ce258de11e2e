"""Identity of the app for a private Cloud Run service: a token of Google's metadata server."""

import base64
import json
import os
import time
from collections.abc import Generator
from threading import Lock

import httpx2

HEADER = "X-Serverless-Authorization"  # Cloud Run checks this header first and strips it; Authorization stays free
_PATH = "/computeMetadata/v1/instance/service-accounts/default/identity"
_EARLY = 300.0  # seconds before expiry at which a token is renewed
_TIMEOUT = 5.0  # seconds; the server is on the same machine


class NoIdentity(httpx2.TransportError):
    """No token available. Callers treat it as an unreachable service."""


class Identity(httpx2.Auth):
    """Adds a token for `audience`, the service's address, to each request.

    A token is kept until shortly before it expires, and never logged.
    """

    def __init__(self, audience: str) -> None:
        self.audience = audience
        self._token, self._renewed_at = "", 0.0
        self._lock = Lock()

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        request.headers[HEADER] = f"Bearer {self.token()}"
        yield request

    def token(self) -> str:
        """A token that is valid for at least some minutes. Raises NoIdentity outside Google Cloud."""
        with self._lock:
            if time.time() >= self._renewed_at:
                self._token = self._fetch()
                self._renewed_at = _end(self._token) - _EARLY
            return self._token

    def _fetch(self) -> str:
        host = os.environ.get("GCE_METADATA_HOST") or "metadata.google.internal"  # as in Google's own clients
        try:
            with httpx2.Client(transport=httpx2.HTTPTransport(retries=2), timeout=_TIMEOUT, trust_env=False) as client:
                query, headers = {"audience": self.audience, "format": "full"}, {"Metadata-Flavor": "Google"}
                answer = client.get(f"http://{host}{_PATH}", params=query, headers=headers)
        except httpx2.HTTPError as error:
            raise NoIdentity(f"the metadata server cannot be reached ({type(error).__name__})") from None
        if not answer.is_success:
            raise NoIdentity(f"the metadata server answers with status {answer.status_code}")
        return answer.text.strip()


def _end(token: str) -> float:
    """Expiry of a token in seconds since 1970: the `exp` claim of the JWT."""
    try:
        claims = token.split(".")[1]
        return float(json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["exp"])
    except (IndexError, KeyError, TypeError, ValueError):
        raise NoIdentity("the metadata server gives something else than a token") from None
