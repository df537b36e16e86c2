"""Why a role is held, in the words kept with a change: enough to say it again years later, after any rename."""

from __future__ import annotations

import msgspec
from msgspec import Struct


class Mapped(Struct, frozen=True, tag="mapped", omit_defaults=True):
    """Through a group. `mapping` is the mapping's key; `name` is the group's name at that time."""

    mapping: int
    group: str
    name: str


class AssertedBy(Struct, frozen=True, tag="asserted", omit_defaults=True):
    """By the directory itself, under this name."""

    name: str


class ByHand(Struct, frozen=True, tag="hand", omit_defaults=True):
    """By an administrator; `expires_at` in nanoseconds since the epoch."""

    actor: str
    note: str | None = None
    expires_at: int | None = None


class ByDefault(Struct, frozen=True, tag="default"):
    """Because every member, or the creator, holds it: `of` is MEMBER or CREATOR."""

    of: str


Why = Mapped | AssertedBy | ByHand | ByDefault

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[list[Why]] = msgspec.json.Decoder(list[Why])


def encode_reasons(reasons: list[Why]) -> str:
    """The text kept in a change's `reasons`."""
    return _encoder.encode(reasons).decode()


def decode_reasons(text: str) -> list[Why]:
    """The reasons of a change, as `encode_reasons` wrote them."""
    return _decoder.decode(text)
