"""Events: what becomes of a webhook's bytes, whatever they are, and of a command."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import Struct

from schema.commands import OF_ACCESS, Command
from schema.forgiving import forgive, whole_characters
from schema.kinds import Outcome, Source
from schema.times import parse_time
from schema.wire import (
    OF_THE_DIRECTORY,
    SHAPES,
    Envelope,
    OrganizationDeleted,
    OrganizationDescribed,
    Statement,
    UserSnapshot,
)

MENDED = "\ufffd"  # stands for what no text holds
NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")  # legal in JSON, but no PostgreSQL text holds it


class Ignored(Struct, frozen=True):
    """A type that Rolecast has no use for."""


class Rejected(Struct, frozen=True):
    """Genuine, kept, but not understood."""

    problem: str


Body = Statement | Command | Ignored | Rejected


class Event(Struct, frozen=True, kw_only=True):
    """One thing that may change state. Without `occurred_at`, it occurred when it was received."""

    id: str
    type: str
    source: Source
    actor: str
    organization_id: str | None
    occurred_at: int | None
    payload: bytes
    body: Body
    note: str | None = None  # what of it could not be read, though it was understood


class Receipt(Struct, frozen=True, kw_only=True):
    """What became of an event; `head` is the end of the change log as of its commit."""

    event: str
    outcome: Outcome
    position: int
    head: int
    problem: str | None = None
    granted: int = 0
    revoked: int = 0
    repeated: bool = False


class _Label(Struct, frozen=True):
    id: Any = None
    type: Any = None
    organization_id: Any = None


_envelope = msgspec.json.Decoder(Envelope)
_label = msgspec.json.Decoder(_Label)
_command: msgspec.json.Decoder[Command] = msgspec.json.Decoder(Command)
_statements = {shape: msgspec.json.Decoder(shape) for shape in set(SHAPES.values())}
DIFFICULTIES = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError)


def from_webhook(delivery_id: str, payload: bytes) -> Event:
    """The event that a verified body is. What cannot be understood is an event too, of body Rejected.

    `delivery_id` (the signed `webhook-id`) stands in for an id that cannot be read.
    """
    text = NUL.sub(rb"\1\\ufffd", payload) if b"\\u0000" in payload else payload
    if b"\\ud" in text or b"\\uD" in text:
        text = whole_characters(text)
    try:
        return _understood(delivery_id, payload, text)
    except DIFFICULTIES as difficulty:
        label = _readable(text)
        problem = Rejected(_reason(difficulty))
        event_id, type_ = _short(label.id) or delivery_id[:255], _short(label.type) or "unknown"
        return _event(event_id, type_, _short(label.organization_id), None, payload, problem)


def from_command(
    event_id: str,
    actor: str,
    command: Command,
    organization_id: str | None,
    occurred_at: int | None,
    source: Source = Source.ADMIN,
) -> Event:
    """The event that a command is: an administrator's, or the system's own. The payload is what may be read of it."""
    return Event(
        id=event_id,
        type=type(command).__struct_config__.tag,  # type: ignore[arg-type]  # every command has a string tag
        source=source,
        actor=actor,
        organization_id=organization_id,
        occurred_at=occurred_at,
        payload=msgspec.json.encode(command.recorded()),
        body=command,
    )


def from_journal(
    event_id: str, source: Source, actor: str, organization_id: str | None, occurred_at: int, payload: bytes
) -> Event:
    """The event of a journal entry, for a rebuild; Ignored what is about credentials, which are not derived."""
    if source is Source.WEBHOOK:
        return from_webhook(event_id, payload)
    event = from_command(event_id, actor, _command.decode(payload), organization_id, occurred_at, source)
    return msgspec.structs.replace(event, body=Ignored()) if isinstance(event.body, OF_ACCESS) else event


def _understood(delivery_id: str, payload: bytes, text: bytes) -> Event:
    envelope = _envelope.decode(text)
    if envelope.type is None or envelope.occurred_at is None:
        raise ValueError("the envelope needs type and occurred_at")
    event_id, occurred_at = envelope.id or delivery_id[:255], parse_time(envelope.occurred_at)
    shape = SHAPES.get(envelope.type)
    note: str | None = None
    try:
        body: Body = Ignored() if shape is None else _statements[shape].decode(envelope.data)
    except msgspec.ValidationError as oddity:
        if shape is not UserSnapshot:
            raise
        body, note = forgive(envelope.data), f"applied without what could not be read: {oddity}"[:500]
    organization_id = _organization(envelope, body)
    if text is not payload:
        _must_be_whole(event_id, organization_id, getattr(body, "id", None), *_groups_of(body))
    event = _event(event_id, envelope.type, organization_id, occurred_at, payload, body)
    return event if note is None else msgspec.structs.replace(event, note=note)


def _groups_of(body: Body) -> list[str]:
    return [group.id for group in body.groups or ()] if isinstance(body, UserSnapshot) else []


def _must_be_whole(*ids: str | None) -> None:
    """Raise ValueError for an id with a character that no text holds: mended, it could be another's."""
    if any(id is not None and MENDED in id for id in ids):
        raise ValueError("an id holds U+0000 or half a surrogate pair")


def _organization(envelope: Envelope, body: Body) -> str | None:
    if isinstance(body, OrganizationDescribed | OrganizationDeleted):
        inner: str | None = body.id
    elif isinstance(body, OF_THE_DIRECTORY):
        inner = body.organization_id
        if inner is None and envelope.organization_id is None:
            raise ValueError("organization_id is needed, in the envelope or in data")
    else:
        inner = None
    if inner and envelope.organization_id and inner != envelope.organization_id:
        raise ValueError(f"the envelope's organization is {envelope.organization_id}, the data's is {inner}")
    return inner or envelope.organization_id


def _event(
    event_id: str, type_: str, organization_id: str | None, occurred_at: int | None, payload: bytes, body: Body
) -> Event:
    return Event(
        id=event_id,
        type=type_,
        source=Source.WEBHOOK,
        actor="directory",
        organization_id=organization_id,
        occurred_at=occurred_at,
        payload=payload,
        body=body,
    )


def _readable(text: bytes) -> _Label:
    """What can be read of the envelope around a body that is otherwise not understood."""
    try:
        return _label.decode(text)
    except DIFFICULTIES:
        return _Label()


def _short(value: Any) -> str | None:
    return value if isinstance(value, str) and 1 <= len(value) <= 255 and MENDED not in value else None


def _reason(difficulty: Exception) -> str:
    if isinstance(difficulty, RecursionError):
        return "the JSON is nested too deeply"
    return str(difficulty)[:500]
