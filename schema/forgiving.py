"""A snapshot with something odd in it, read for what matters: whoever is to lose a role loses it all the same.

Who it is about, whether they are active and in which groups must be understood; a name that is no text, or a role that
is no role, is left out and said. Rejecting the whole would keep every privilege that the snapshot takes away.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import Struct

from schema.wire import Asserted, Id, Named, UserSnapshot

WORDS = ("dp_id", "email", "name", "given_name", "family_name", "preferred_username")
HALF_PAIR = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)


class _Group(Struct):
    id: Id
    name: Any = None


class _Snapshot(Struct):
    id: Id
    organization_id: Id | None = None
    active: bool | None = None
    groups: tuple[_Group, ...] | None = None
    roles: Any = None
    dp_id: Any = None
    email: Any = None
    name: Any = None
    given_name: Any = None
    family_name: Any = None
    preferred_username: Any = None


_decoder = msgspec.json.Decoder(_Snapshot)


def forgive(data: bytes | msgspec.Raw) -> UserSnapshot:
    """The snapshot, without what cannot be read of it; raise msgspec's ValidationError if that is what matters."""
    odd = _decoder.decode(data)
    roles = odd.roles if isinstance(odd.roles, list) else []
    names = [role.get("role_name") for role in roles if isinstance(role, dict)]
    return UserSnapshot(
        id=odd.id,
        organization_id=odd.organization_id,
        active=odd.active,
        groups=tuple(Named(group.id, _text(group.name)) for group in odd.groups or ()),
        roles=tuple(Asserted(name) for name in names if isinstance(name, str) and 1 <= len(name) <= 255),
        **{word: _text(getattr(odd, word)) for word in WORDS},
    )


def whole_characters(text: bytes) -> bytes:
    """JSON with each half of a surrogate pair, which no text can hold, as the replacement character."""
    return HALF_PAIR.sub(rb"\\ufffd", text)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
