"""The few closed lists of words that rows are marked with; stored as small integers."""

from __future__ import annotations

import enum


class Source(enum.IntEnum):
    """Who put an event into the journal."""

    WEBHOOK = 1
    SCIM = 2
    ADMIN = 3
    SYSTEM = 4


class Outcome(enum.IntEnum):
    """What an event came to; the words are the contract's EventOutcome."""

    APPLIED = 1
    SUPERSEDED = 2
    IGNORED = 3
    REJECTED = 4


class Kind(enum.IntEnum):
    """Why a role is held: the arms of the rule."""

    MAPPED = 1
    ASSERTED = 2
    BY_HAND = 3
    CREATOR = 4
    MEMBER = 5


class Turn(enum.IntEnum):
    """What a change did. RETAINED (held on, for other reasons) is history: it is not sent out."""

    GRANTED = 1
    REVOKED = 2
    RETAINED = 3
