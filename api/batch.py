"""A batch: events that arrived together, journaled and applied in one transaction, with the effect of one by one."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from msgspec import structs
from sqlmodel import Session

from api.facts.apply import write_facts
from api.facts.mappings import check_revocations
from api.listen import tell
from api.settle import check_protected, settle
from api.waves import waves
from api.work import Entry, Ledger
from schema.commands import ExpireGrants, ReplayEvent, SetMappings
from schema.events import Event, Receipt, from_command
from schema.kinds import Outcome, Source, Turn
from schema.problems import Problem
from schema.sql import Statement

log = logging.getLogger("rolecast.ingest")

Answer = Receipt | Problem

SEEN = Statement(
    """
    SELECT j.id, j.outcome, j.position, j.problem, j.payload, j.source
    FROM {ids} asked CROSS JOIN journal j WHERE j.id = asked.id
    UNION ALL
    SELECT a.id, a.outcome, a.position, a.problem, NULL, NULL
    FROM {ids} asked CROSS JOIN archived a WHERE a.id = asked.id""",
    ids="id text",
)
DID = Statement("SELECT turn, count(*) FROM changes WHERE event_position = :event GROUP BY turn")
HEAD = Statement("""
    SELECT position FROM changes WHERE event_position <= :event ORDER BY event_position DESC, position DESC LIMIT 1""")
DUE = Statement("SELECT 1 FROM hand_grants WHERE expires_at <= :now LIMIT 1")
RECORD = Statement("""
    INSERT INTO journal
        (position, id, type, source, actor, organization_key, occurred_at, received_at, outcome, problem, payload)
    VALUES (:position, :id, :type, :source, :actor, :organization_key, :occurred_at, :received_at, :outcome, :problem,
        :payload)
    ON CONFLICT (id) DO NOTHING""")


def apply_batch(session: Session, batch: Sequence[Event], clock: int) -> list[Answer]:
    """Journal and apply the events, in order, and answer each; `clock` is nanoseconds since the epoch.

    A repeat of a known id is answered like the first and has no effect. A refused command is answered with its Problem
    and leaves nothing. Any other exception means that the transaction must be rolled back.
    """
    ledger = Ledger.open(session, clock)
    start = ledger.position
    answers = _known(session, batch, ledger)
    fresh: dict[str, Entry] = {}
    for event in batch:
        if event.id in answers:
            continue
        if event.id in fresh:
            _compare(event, fresh[event.id].event.payload)
            continue
        fresh[event.id] = Entry(_dated(event, ledger.now))
    for wave in waves(session, list(fresh.values())):
        refusal = _apply_wave(session, wave, ledger)
        answers |= {entry.event.id: refusal or entry.receipt(ledger.change) for entry in wave}
    if ledger.position > start:
        tell(session, ledger.change, ledger.position)
    return [answers[event.id] for event in batch]


def _known(session: Session, batch: Sequence[Event], ledger: Ledger) -> dict[str, Answer]:
    """The answers to events that the journal has already."""
    answers: dict[str, Answer] = {}
    ids = list(dict.fromkeys(event.id for event in batch))
    payloads: dict[str, bytes | None] = {}
    for event_id, outcome, position, problem, payload, source in SEEN.run(session, ids=ids):
        payloads[event_id] = payload
        receipt = Receipt(
            event=event_id,
            outcome=Outcome(outcome),
            position=position,
            head=ledger.change,
            problem=problem,
            repeated=True,
        )
        answers[event_id] = _as_it_was(session, receipt) if source == Source.ADMIN else receipt
    for event in batch:
        if (first := payloads.get(event.id)) is not None:  # of what was archived, nothing is left to compare with
            _compare(event, first)
    return answers


def _as_it_was(session: Session, receipt: Receipt) -> Receipt:
    """A command's receipt with what it did then: a client that retries is told the same."""
    did: dict[int, int] = dict(DID.run(session, event=receipt.position))
    return structs.replace(
        receipt,
        granted=did.get(Turn.GRANTED, 0),
        revoked=did.get(Turn.REVOKED, 0),
        head=next(iter(HEAD.scalars(session, event=receipt.position)), 0),
    )


def _compare(repeat: Event, first: bytes) -> None:
    if repeat.payload != bytes(first):
        log.error(
            "event %s came again with a different body; the first stands and this one has no effect. "
            "A sender that reuses ids loses events: tell its operator",
            repeat.id,
        )


def _dated(event: Event, now: int) -> Event:
    return event if event.occurred_at is not None else structs.replace(event, occurred_at=now)


def _apply_wave(session: Session, wave: Sequence[Entry], ledger: Ledger) -> Problem | None:
    """Apply a wave; a command, always alone in one, may be refused and then leaves nothing behind."""
    if wave[0].event.source is Source.WEBHOOK:
        write_wave(session, wave, ledger)
        return None
    if wave[0].event.source is Source.ADMIN:
        end_what_is_over(session, ledger)
    heads = ledger.position, ledger.change
    try:
        with session.begin_nested():
            write_wave(session, wave, ledger)
            check_command(session, wave[0])
    except Problem as refusal:
        ledger.position, ledger.change = heads
        return refusal
    return None


def end_what_is_over(session: Session, ledger: Ledger) -> None:
    """End the grants by hand that have expired, before a command is weighed: the clock's work is not the command's."""
    if DUE.scalars(session, now=ledger.now):
        command = ExpireGrants(until=ledger.now)
        event_id = f"sys_{ledger.now:016x}{ledger.position + 1:08x}"
        event = from_command(event_id, "clock", command, None, ledger.now, Source.SYSTEM)
        write_wave(session, [Entry(event)], ledger)


def apply_again(session: Session, entries: Sequence[Entry], ledger: Ledger) -> None:
    """Apply entries that the journal holds already, in order, for a rebuild; a command is not refused a second time."""
    for wave in waves(session, entries):
        write_facts(session, wave, ledger)
        settle(session, wave, ledger)


def write_wave(session: Session, wave: Sequence[Entry], ledger: Ledger) -> None:
    """Journal a wave's events, write their facts and settle them."""
    for entry in wave:
        entry.position = ledger.next_position()
    write_facts(session, wave, ledger)
    RECORD.run_each(session, [_line(entry, ledger.now) for entry in wave])
    settle(session, wave, ledger)


def check_command(session: Session, entry: Entry) -> None:
    """Raise the Problem that refuses a command for what it has done."""
    if isinstance(entry.event.body, SetMappings):
        check_revocations(entry, entry.event.body)
    if entry.event.source is Source.ADMIN and not isinstance(entry.event.body, ReplayEvent):
        check_protected(session, entry)  # the clock is obeyed, as the directory is: both leave a warning


def _line(entry: Entry, now: int) -> dict[str, object]:
    event = entry.event
    return {
        "position": entry.position,
        "id": event.id,
        "type": event.type,
        "source": int(event.source),
        "actor": event.actor,
        "organization_key": entry.organization_key,
        "occurred_at": entry.at,
        "received_at": now,
        "outcome": int(entry.outcome),
        "problem": entry.problem,
        "payload": event.payload,
    }
