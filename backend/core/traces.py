"""Traces over OTLP, where an endpoint is configured: a span a request, by route, without what its address says."""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import Span

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_PRIVATE = ("url.path", "url.query")  # names of series, questions, and whatever else a client writes there


def wanted() -> bool:
    """Whether an endpoint is configured."""
    return any(os.environ.get(name) for name in _ENDPOINTS)


def keep_private() -> None:
    """From now on spans say the route of a request, and not the address: the same as the log."""
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
