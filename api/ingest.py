"""Ingest: the one way in. A bounded queue, one writer, and batches of what gathered while the last one committed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial

from msgspec import structs

from api.batch import Answer, apply_batch
from api.database import Database
from api.metrics import Metrics
from api.tracing import Tracing
from schema.events import Event, Receipt, Rejected
from schema.problems import Problem, Unavailable

log = logging.getLogger("rolecast.ingest")

LARGEST_BATCH = 256
ROUNDS = 16  # of the event loop, at most, before what has arrived is written
ANSWERS_SECONDS = 25.0  # senders commonly give up after 30; a disk that stands still would have them wait for ever
STOPS = "the server is stopping; send it again"
UNKNOWN = (
    "the database takes too long, and whether this will be done is not known; send the same again: "
    "an event is known by its id, a mutation by its Idempotency-Key, and neither has its effect twice"
)
Waiting = tuple[Event, asyncio.Future[Receipt]]


class Ingest:
    """Submits events to the writer; what it answers is committed, durable, and has had its whole effect."""

    def __init__(
        self,
        database: Database,
        *,
        clock: Callable[[], int],
        size: int,
        committed: Callable[[int, int], None],
        metrics: Metrics | None = None,
        tracing: Tracing | None = None,
    ) -> None:
        """`clock` gives nanoseconds since the epoch; `committed` hears (change head, journal head) of each commit."""
        self._database = database
        self._metrics = metrics or Metrics()
        self._tracing = tracing or Tracing()
        self._clock = clock
        self._committed = committed
        self._queue: asyncio.Queue[Waiting | None] = asyncio.Queue(size)
        self._writing: list[Waiting] = []
        self._open = True

    async def submit(self, event: Event) -> Receipt:
        """Journal and apply an event, and wait until it is durable.

        Raises the Problem that refuses a command, and Unavailable when the queue is full, the database out of reach or
        the server stopping: then nothing was done, and the same event may be sent again. So it may after Unavailable
        for a database that takes ANSWERS_SECONDS: the event stays with the writer, and its repeat has no effect.
        """
        if not self._open:
            raise Unavailable(STOPS, retry_after=2)
        answer: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        try:
            self._queue.put_nowait((event, answer))
        except asyncio.QueueFull:
            raise Unavailable("too many events are waiting; send it again") from None
        try:
            async with asyncio.timeout(ANSWERS_SECONDS):
                return await answer
        except TimeoutError:
            words = "event %s has waited %g s for the database; its sender is told so"
            log.warning(words, event.id, ANSWERS_SECONDS, extra=_ids(event))
            raise Unavailable(UNKNOWN, retry_after=5) from None

    def depth(self) -> int:
        """How many events wait for the writer."""
        return self._queue.qsize()

    async def run(self) -> None:
        """Write batches until `stop`; what was accepted by then is written and answered."""
        while (first := await self._queue.get()) is not None:
            self._writing = [first]
            await self._arrivals()
            batch, last = self._gather(first)
            self._writing = list(batch)
            await self._write(batch)
            self._writing = []
            if last:
                return

    async def stop(self) -> None:
        """Accept nothing more, and let `run` end after what was accepted."""
        self._open = False
        await self._queue.put(None)

    def give_up(self) -> None:
        """Accept nothing more, write nothing more, and answer everyone who waits with Unavailable.

        What is being written may come to be committed all the same: sent again, it is answered as a repeat.
        """
        self._open = False
        waiting = [*self._writing]
        while not self._queue.empty():
            if (each := self._queue.get_nowait()) is not None:
                waiting.append(each)
        for _, future in waiting:
            _resolve(future, Unavailable(STOPS, retry_after=2))
        self._queue.put_nowait(None)

    async def _arrivals(self) -> None:
        """Let the loop take in the requests that are there already: what came at once shares a commit. No timer."""
        for _ in range(ROUNDS):
            before = self._queue.qsize()
            await asyncio.sleep(0)
            if self._queue.qsize() == before:
                return

    def _gather(self, first: Waiting) -> tuple[list[Waiting], bool]:
        """What waits already, without waiting for more; and whether the end was among it."""
        batch = [first]
        while len(batch) < LARGEST_BATCH and not self._queue.empty():
            waiting = self._queue.get_nowait()
            if waiting is None:
                return batch, True
            batch.append(waiting)
        return batch, False

    async def _write(self, batch: list[Waiting]) -> None:
        try:
            answers = await self._commit([event for event, _ in batch])
        except Unavailable as problem:
            log.warning("a batch of %d events could not be written: %s", len(batch), problem.detail)
            answers = [problem] * len(batch)
        except Exception:
            log.exception("a batch of %d events failed; trying them one by one", len(batch))
            answers = [await self._write_alone(event) for event, _ in batch]
        for (_, future), answer in zip(batch, answers, strict=True):
            _resolve(future, answer)

    async def _write_alone(self, event: Event) -> Answer:
        """Write one event of a failed batch; if it is the culprit, keep it as REJECTED."""
        try:
            return (await self._commit([event]))[0]
        except Unavailable as problem:
            return problem
        except Exception as error:
            log.exception(
                "event %s cannot be applied; it is kept as REJECTED, for replay after a fix",
                event.id,
                extra=_ids(event),
            )
            words = (
                f"could not be applied ({type(error).__name__}); the server's log has the reason under this event's id"
            )
        try:
            return (await self._commit([structs.replace(event, body=Rejected(words))]))[0]
        except Exception:
            log.exception("event %s can be neither applied nor kept", event.id, extra=_ids(event))
            return Unavailable("this event can be neither applied nor kept; the server's log says why", retry_after=60)

    async def _commit(self, events: list[Event]) -> list[Answer]:
        began = self._clock()
        with self._tracing.span("ingest batch", events=len(events)):
            answers = await self._database.write(partial(apply_batch, batch=events, clock=began), within=None)
        receipts = [
            (event, answer) for event, answer in zip(events, answers, strict=True) if isinstance(answer, Receipt)
        ]
        if receipts:
            self._committed(max(each.head for _, each in receipts), max(each.position for _, each in receipts))
            now = self._clock()
            self._metrics.journaled(receipts, now, (now - began) / 1e9)
            for event, receipt in receipts:
                _tell(event, receipt)
        return answers


def _tell(event: Event, receipt: Receipt) -> None:
    """A line for each event: ids and what became of it, nothing of its content."""
    log.info(
        "%s %s at position %d%s",
        event.type,
        receipt.outcome.name,
        receipt.position,
        " (a repeat)" if receipt.repeated else "",
        extra=_ids(event)
        | {
            "position": receipt.position,
            "outcome": receipt.outcome.name,
            "granted": receipt.granted,
            "revoked": receipt.revoked,
        },
    )


def _ids(event: Event) -> dict[str, object]:
    return {"event": event.id, "event_type": event.type, "organization": event.organization_id}


def _resolve(future: asyncio.Future[Receipt], answer: Answer) -> None:
    """Answer whoever waits; a client that went away has its event written all the same."""
    if future.done():
        return
    if isinstance(answer, Problem):
        future.set_exception(answer)
    else:
        future.set_result(answer)
