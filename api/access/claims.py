"""What a verified token says: whom it names, of which organization, and until when."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from schema.problems import Unauthenticated
from schema.queries.accounts import Name
from schema.times import LATEST, SECOND

LONGEST = 400  # characters of a name; ids have 255 at most, addresses 320
UNSTORABLE = re.compile("[\0\ud800-\udfff]")  # what no stored text holds, and a database would not be asked for


class Claims(NamedTuple):
    """Whom a token stands for; `expires_at` is in nanoseconds since the epoch."""

    name: Name
    organization_id: str | None
    expires_at: int


def read_claims(payload: Mapping[str, Any]) -> Claims:
    """Read a verified payload; raise Unauthenticated, saying which claim is no good."""
    email = _text(payload, "email")
    if payload.get("email_verified", True) not in (True, "true"):  # anybody may say that an address is theirs
        email = None
    name = Name(_text(payload, "sub"), email)
    if name == Name(None, None):
        raise Unauthenticated("this token names no user: it needs `sub` or `email`")
    return Claims(name, _organization(payload), _expiry(payload))


def _organization(payload: Mapping[str, Any]) -> str | None:
    named = {_text(payload, "oid"), _text(payload, "org_id")} - {None}
    if len(named) > 1:
        raise Unauthenticated("this token's `oid` and `org_id` differ")
    return next(iter(named), None)


def _expiry(payload: Mapping[str, Any]) -> int:
    expires = payload.get("exp")
    a_number = isinstance(expires, int | float) and not isinstance(expires, bool)  # RFC 7519, 2: fractions are allowed
    if expires is None or not a_number or not 0 <= expires < float("inf"):
        raise Unauthenticated("this token's `exp` must be there, as seconds since 1970")
    return LATEST if expires >= LATEST // SECOND else int(expires * SECOND)


def _text(payload: Mapping[str, Any], claim: str) -> str | None:
    value = payload.get(claim)
    if value is None:
        return None
    if not isinstance(value, str) or not 1 <= len(value) <= LONGEST or UNSTORABLE.search(value):
        raise Unauthenticated(f"this token's `{claim}` is not a name")
    return value
