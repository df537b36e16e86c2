"""Spans of whole operations for OpenTelemetry: an optional extra, off unless asked for, and none for a field."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from schema.problems import Problem

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

MISSING = "ROLECAST_TRACING needs OpenTelemetry: install rolecast[tracing]"


class Untraceable(Problem):
    """Tracing is asked for, and what it needs is not installed."""


class Tracing:
    """Begins spans with a provider's tracer; without a provider, nothing at all is done."""

    def __init__(self, provider: TracerProvider | None = None) -> None:
        self._tracer = None if provider is None else provider.get_tracer("rolecast")
        self._provider = provider

    def span(
        self, name: str, carrier: Mapping[str, str] | None = None, **attributes: Any
    ) -> AbstractContextManager[Any]:
        """A span around a `with` block, which is given the span, or None; `carrier` are headers with a `traceparent`.

        Attributes are ids, kinds and counts: no personal data. None is left out.
        """
        if self._tracer is None:
            return nullcontext()
        from opentelemetry.propagate import extract

        given = {f"rolecast.{key}": value for key, value in attributes.items() if value is not None}
        context = None if carrier is None else extract(carrier)
        # What an exception says may be somebody's data: the log has it, under the event's id, and a collector has not.
        return self._tracer.start_as_current_span(
            name, context=context, attributes=given, record_exception=False, set_status_on_exception=False
        )

    def close(self) -> None:
        """Send what has not been sent yet."""
        shutdown = getattr(self._provider, "shutdown", None)
        if shutdown is not None:
            shutdown()


def tracing(wanted: bool) -> Tracing:
    """Tracing to where the standard OTEL_… variables say, or none. Raises Untraceable if OpenTelemetry is missing."""
    if not wanted:
        return Tracing()
    if importlib.util.find_spec("opentelemetry") is None or importlib.util.find_spec("opentelemetry.sdk") is None:
        raise Untraceable(MISSING)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": "rolecast"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Tracing(provider)
