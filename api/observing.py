"""Whole GraphQL operations, timed and traced."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from api.metrics import Metrics
from api.tracing import Tracing, failed

TYPES = ("query", "mutation")


class Observer:
    """Puts each operation's time into the metrics and its span into the trace; nothing of its fields."""

    def __init__(self, metrics: Metrics, tracing: Tracing) -> None:
        self._metrics = metrics
        self._tracing = tracing

    @contextmanager
    def __call__(
        self, kind: str, name: str | None, carrier: Mapping[str, str] | None, began: float
    ) -> Iterator[Callable[[bool], None]]:
        """Around a query or mutation; the block tells whether its answer is whole, and what tells nothing is an error.

        `kind` may also say that what was asked is refused, and no operation. `carrier` are the headers that a caller's
        trace comes in; `began` is by time.perf_counter().
        """
        whole = False

        def answered(well: bool) -> None:
            nonlocal whole
            whole = well

        try:
            with self._span(kind, name, carrier, time.perf_counter() - began) as span:
                yield answered
                if not whole:
                    failed(span)
        finally:
            outcome = "answered" if whole else "error"
            self._metrics.operations.labels(kind, outcome).observe(time.perf_counter() - began)

    def _span(
        self, kind: str, name: str | None, carrier: Mapping[str, str] | None, ago: float
    ) -> AbstractContextManager[Any]:
        """By OpenTelemetry's conventions for GraphQL, but for the document: it may have somebody's data in it."""
        conventional = {"graphql.operation.type": kind if kind in TYPES else None, "graphql.operation.name": name}
        words = " ".join(filter(None, ("graphql", kind, name)))
        return self._tracing.span(words, carrier, serves=True, ago=ago, standard=conventional)
