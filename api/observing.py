"""Whole GraphQL operations, timed and traced."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from api.metrics import Metrics
from api.tracing import Tracing


class Observer:
    """Puts each operation's time into the metrics and its span into the trace; nothing of its fields."""

    def __init__(self, metrics: Metrics, tracing: Tracing) -> None:
        self._metrics = metrics
        self._tracing = tracing

    @contextmanager
    def __call__(
        self, kind: str, name: str | None, carrier: Mapping[str, str] | None
    ) -> Iterator[Callable[[bool], None]]:
        """Around a query or mutation; the block tells whether its answer is whole, and what tells nothing is an error.

        `carrier` are the headers that a caller's trace comes in.
        """
        start, whole = time.perf_counter(), False

        def answered(well: bool) -> None:
            nonlocal whole
            whole = well

        try:
            with self._tracing.span(" ".join(filter(None, ("graphql", kind, name))), carrier):
                yield answered
        finally:
            outcome = "answered" if whole else "error"
            self._metrics.operations.labels(kind, outcome).observe(time.perf_counter() - start)
