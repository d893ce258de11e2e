"""Circuit breaker: stops calling a failing endpoint for a while, so that not every question waits for a timeout."""

from collections.abc import Callable
from time import monotonic

from backend.core.metrics import Metrics

FAILURES = 3  # consecutive failures that open the breaker
REST = 30.0  # seconds until one question probes the endpoint again
_PROBED = 1.0  # minimum wait in seconds reported to callers during a probe


class Breaker:
    """Circuit breaker. Closed, it allows every call; open, none; half-open after a rest, one at a time until one
    succeeds.

    A caller admitted by `wait` must report the result: `succeeded`, `failed`, or `gave_up` if it is unknown.
    """

    def __init__(self, metrics: Metrics, clock: Callable[[], float] = monotonic) -> None:
        self._metrics, self._clock = metrics, clock
        self._failures, self._opened_at, self._probing = 0, 0.0, False

    @property
    def is_open(self) -> bool:
        return self._failures >= FAILURES

    def wait(self) -> float:
        """Seconds until the endpoint may be called; 0 admits the caller."""
        if not self.is_open:
            return 0.0
        left = self._opened_at + REST - self._clock()
        if left > 0 or self._probing:
            self._metrics.endpoint.labels("skipped").inc()
            return max(left, _PROBED)
        self._probing = True
        return 0.0

    def succeeded(self) -> None:
        self._metrics.endpoint.labels("answered").inc()
        self._failures = 0
        self.gave_up()

    def failed(self) -> None:
        self._metrics.endpoint.labels("failed").inc()
        self._failures += 1
        self._opened_at = self._clock()
        self.gave_up()

    def gave_up(self) -> None:
        self._probing = False
        self._metrics.endpoint_open.set(self.is_open)
