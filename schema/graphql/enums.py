"""The contract's enumerations."""

from __future__ import annotations

import enum

import strawberry

from schema.graphql.context import ViewerKind
from schema.kinds import Outcome, Source

strawberry.enum(ViewerKind, description="How the viewer proved who they are.")
strawberry.enum(Source, name="EventSource", description="Who put an event into the journal.")
strawberry.enum(
    Outcome,
    name="EventOutcome",
    description="SUPERSEDED: something newer was already known. IGNORED: a type without a use. REJECTED: kept, but "
    "not understood.",
)


@strawberry.enum(description="A role held by every member who has no other, or by the organization's creator.")
class DefaultOf(enum.Enum):
    """What a role is the default of."""

    MEMBER = "MEMBER"
    CREATOR = "CREATOR"


@strawberry.enum(description="What a change did.")
class RoleChangeKind(enum.Enum):
    """The turns that are sent out; named as in kinds.Turn."""

    GRANTED = "GRANTED"
    REVOKED = "REVOKED"
