"""What is measured, for Prometheus; docs/operations.md says what each means, and a test compares the two."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from schema.commands import Command
from schema.events import Event, Receipt
from schema.kinds import Outcome
from schema.wire import SHAPES

FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # where several processes put what they counted, for any of them to tell it all
# A sender may make up types without end, and each label is kept for ever.
KNOWN = frozenset(SHAPES) | frozenset(command.__struct_config__.tag for command in get_args(Command))
STATUSES = (201, 202, 401, 413, 503)  # of a webhook's answers: README.md, "What the webhook answers"
OPERATIONS = [(kind, outcome) for kind in ("query", "mutation") for outcome in ("answered", "error")]
OPERATIONS.append(("refused", "error"))
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
QUICK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SLOW = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 21600.0, 86400.0)


def _histogram(
    registry: CollectorRegistry, name: str, meaning: str, buckets: Sequence[float], labels: Sequence[str] = ()
) -> Histogram:
    return Histogram(f"rolecast_{name}", meaning, labels, buckets=buckets, registry=registry)


def _gauge(
    registry: CollectorRegistry,
    name: str,
    meaning: str,
    together: Literal["livesum", "livemax"],
    labels: Sequence[str] = (),
) -> Gauge:
    """`together` is how several processes' values are one."""
    return Gauge(f"rolecast_{name}", meaning, labels, registry=registry, multiprocess_mode=together)


class Metrics:
    """One for each application: two of them in one process do not mix."""

    def __init__(self) -> None:
        own = self.registry = CollectorRegistry()
        ProcessCollector(registry=own)
        self.events = Counter("rolecast_events", "Journaled events.", ["type", "outcome"], registry=own)
        self.webhooks = Counter("rolecast_webhook_responses", "Answers to POST /webhook.", ["status"], registry=own)
        self.failures = Counter("rolecast_database_errors", "Reads and writes that failed.", ["door"], registry=own)
        self.batches = _histogram(own, "ingest_batch_events", "Events written in one transaction.", SIZES)
        self.commits = _histogram(own, "ingest_batch_seconds", "From taking a batch to its commit.", QUICK)
        self.delays = _histogram(own, "event_delay_seconds", "From a webhook's occurred_at to its commit.", SLOW)
        self.deliveries = _histogram(own, "delivery_seconds", "From a change's commit to a subscriber's turn.", QUICK)
        self.operations = _histogram(
            own, "graphql_operation_seconds", "Queries and mutations, to their answer.", QUICK, ["kind", "outcome"]
        )
        self.queue = _gauge(own, "ingest_queue_events", "Events that wait for the writer.", "livesum")
        self.subscribers = _gauge(own, "subscribers", "Live subscriptions, by the log they follow.", "livesum", ["log"])
        self.lag = _gauge(own, "feed_lag_rows", "Rows known of, and not yet handed out.", "livemax", ["log"])
        self._looks: list[Callable[[], None]] = []
        self._begin()

    def _begin(self) -> None:
        """Count 0 of what an alert waits for: of what was never told, Prometheus sees no first increase."""
        for type in (*sorted(KNOWN), "other"):
            self.events.labels(type, Outcome.REJECTED.name)
        for status in STATUSES:
            self.webhooks.labels(str(status))
        for door in ("read", "write"):
            self.failures.labels(door)
        for kind, outcome in OPERATIONS:
            self.operations.labels(kind, outcome)

    def watch(self, look: Callable[[], None]) -> None:
        """Have `look` set gauges, at each telling and whenever `refresh` is called."""
        self._looks.append(look)

    def refresh(self) -> None:
        """Set every gauge to what is so now."""
        for look in self._looks:
            look()

    def journaled(self, events: Iterable[tuple[Event, Receipt]], now: int, seconds: float) -> None:
        """Count a committed batch; `now` in nanoseconds since the epoch."""
        size = 0
        for event, receipt in events:
            size += 1
            if not receipt.repeated:
                self.events.labels(event.type if event.type in KNOWN else "other", receipt.outcome.name).inc()
                if event.occurred_at is not None:
                    self.delays.observe(max(0.0, (now - event.occurred_at) / 1e9))
        self.batches.observe(size)
        self.commits.observe(seconds)

    def answered(self, status: int) -> None:
        """Count an answer to a webhook."""
        self.webhooks.labels(str(status)).inc()

    def tell(self, accept: str) -> tuple[bytes, str]:
        """Everything in the exposition format that the Accept header asks for, with its media type."""
        self.refresh()
        encode, media_type = choose_encoder(accept)
        return encode(self._whole()), media_type

    def _whole(self) -> CollectorRegistry:
        folder = os.environ.get(FOLDER)
        if folder is None:
            return self.registry
        _forget_the_dead(Path(folder))
        whole = CollectorRegistry()
        MultiProcessCollector(whole, path=folder)  # type: ignore[no-untyped-call]  # the library has no types here
        return whole


@contextmanager
def counting_together(processes: int) -> Iterator[None]:
    """Let the processes that are started in the block count into one folder, which ends with it."""
    if processes == 1 or FOLDER in os.environ:
        yield
        return
    with TemporaryDirectory(prefix="rolecast-metrics-") as folder:
        os.environ[FOLDER] = folder
        yield


def _forget_the_dead(folder: Path) -> None:
    """Take no live gauge from a process that has ended; what it counted stays."""
    for pid in {int(file.stem.rpartition("_")[2]) for file in folder.glob("gauge_live*.db")}:
        if not _lives(pid):
            mark_process_dead(pid, path=str(folder))  # type: ignore[no-untyped-call]  # nor here


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it is there, and somebody else's
        pass
    return True
