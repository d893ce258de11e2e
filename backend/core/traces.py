"""OpenTelemetry traces over OTLP if an endpoint is configured: one span per request, named by route, without path and
query.
"""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import Span

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_PRIVATE = ("url.path", "url.query")  # may contain names of series, questions or anything else a client sends


def wanted() -> bool:
    """Whether an endpoint is configured."""
    return any(os.environ.get(name) for name in _ENDPOINTS)


def keep_private() -> None:
    """Removes the address of a request from spans, which then name the route only, as in the log."""
    from opentelemetry import trace
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

    class Private(SpanProcessor):
        def on_start(self, span: "Span", parent_context: "Context | None" = None) -> None:
            for name in _PRIVATE:
                if name in (span.attributes or {}):
                    span.set_attribute(name, "REDACTED")

    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        provider.add_span_processor(Private())
