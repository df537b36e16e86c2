"""Spans of whole operations for OpenTelemetry: an optional extra, off unless asked for, and none for a field."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from schema.problems import Problem

if TYPE_CHECKING:
    from opentelemetry.trace import Span, TracerProvider

MISSING = "ROLECAST_TRACING needs OpenTelemetry: run `pip install --editable '.[tracing]'` in Rolecast's folder"
# What an exception says may be somebody's data.
UNSAID: Any = {"record_exception": False, "set_status_on_exception": False}
LONGEST = 80  # characters of a name or an id that a caller chose


class Untraceable(Problem):
    """Tracing is asked for, and what it needs is not installed."""


class Tracing:
    """Begins spans with a provider's tracer; without a provider, nothing at all is done."""

    def __init__(self, provider: TracerProvider | None = None) -> None:
        self._tracer = None if provider is None else provider.get_tracer("rolecast")
        self._provider = provider

    def span(
        self,
        name: str,
        carrier: Mapping[str, str] | None = None,
        *,
        serves: bool = False,
        ago: float = 0.0,
        standard: Mapping[str, str | None] | None = None,
        **attributes: Any,
    ) -> AbstractContextManager[Span | None]:
        """A span around a `with` block, which is given the span, or None; an exception makes it one that failed.

        `carrier` are headers with a `traceparent`; a span that has them, or that `serves`, is a server's. It began
        `ago` seconds ago. Attributes are ids, kinds and counts, without personal data, and None is left out: those of
        OpenTelemetry's conventions are `standard`, and the others get "rolecast." before their names.
        """
        if self._tracer is None:
            return nullcontext()
        from opentelemetry.propagate import extract
        from opentelemetry.trace import SpanKind

        told: dict[str, Any] = {
            "context": None if carrier is None else extract(carrier),
            "kind": SpanKind.INTERNAL if carrier is None and not serves else SpanKind.SERVER,
            "attributes": _named(standard or {}, attributes),
            "start_time": time.time_ns() - round(ago * 1e9),
        }
        return _watched(self._tracer.start_as_current_span(_short(name), **told, **UNSAID))

    def close(self) -> None:
        """Send what has not been sent yet."""
        shutdown = getattr(self._provider, "shutdown", None)
        if shutdown is not None:
            shutdown()


def _named(standard: Mapping[str, str | None], ours: Mapping[str, Any]) -> dict[str, Any]:
    named = {**standard, **{f"rolecast.{key}": value for key, value in ours.items()}}
    return {key: _short(value) for key, value in named.items() if value is not None}


@contextmanager
def _watched(begun: AbstractContextManager[Span]) -> Iterator[Span]:
    """The block's span, which failed when the block ends by an exception: of that, it has the kind."""
    with begun as span:
        try:
            yield span
        except BaseException as error:
            span.set_attribute("error.type", type(error).__qualname__)
            failed(span)
            raise


def failed(span: Span | None) -> None:
    """Make it the span of what failed."""
    if span is not None:
        from opentelemetry.trace import StatusCode

        span.set_status(StatusCode.ERROR)


def answered(span: Span | None, status: int) -> None:
    """Let it tell its answer's status of HTTP, by which it failed when the fault was the server's."""
    if span is not None:
        span.set_attribute("http.response.status_code", status)
    if status >= 500:
        failed(span)


def _short(value: Any) -> Any:
    return value[:LONGEST] if isinstance(value, str) else value


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
