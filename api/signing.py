"""Standard Webhooks signatures, pure: junk in any header is a refusal, never an exception of another kind.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from schema.problems import Unauthenticated

PREFIX = "whsec_"
TOLERANCE = timedelta(minutes=5)  # Standard Webhooks' reference value; replays inside it meet the journal's unique id
SECONDS = re.compile(r"[0-9]{1,15}", re.ASCII)  # int() would also take signs, blanks, underscores and other digits


@dataclass(frozen=True, slots=True)
class VerifiedDelivery:
    """A body that somebody with the secret has signed. Only `verify` makes one."""

    id: str
    timestamp: int
    body: bytes


def raw(header: str) -> bytes:
    """The bytes a header came as: ASGI servers hand them on as Latin-1."""
    return header.encode("latin-1", "replace")


class Secret:
    """A signing key; it shows itself nowhere."""

    __slots__ = ("key",)

    def __init__(self, text: str) -> None:
        """Read `whsec_` + base64 (the prefix may be left out); raise ValueError, without the secret, otherwise."""
        try:
            self.key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
        except (binascii.Error, ValueError) as error:
            raise ValueError("a webhook secret is 'whsec_' followed by base64; make one with: secret new") from error
        if len(self.key) < 16:
            raise ValueError(
                "a webhook secret holds at least 16 bytes (24 to 64 recommended); make one with: secret new"
            )

    def __repr__(self) -> str:
        return "Secret(…)"

    def signature(self, message_id: str, timestamp: str, body: bytes) -> bytes:
        """The base64 HMAC-SHA256 over `id.timestamp.body`, those exact bytes."""
        signed = b"%s.%s.%s" % (raw(message_id), raw(timestamp), body)
        return base64.b64encode(hmac.digest(self.key, signed, "sha256"))


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The `webhook-signature` value for a message, as a sender writes it."""
    return "v1," + Secret(secret).signature(message_id, str(timestamp), body).decode()


def verify(secrets: Iterable[Secret], headers: Mapping[str, str], body: bytes, *, now: float) -> VerifiedDelivery:
    """Check a delivery against every valid secret; raise Unauthenticated, saying which header to look at.

    `headers` are looked up by lower-case name. `now` is in seconds since the epoch.
    """
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    signatures = headers.get("webhook-signature", "")
    if not message_id or not timestamp or not signatures:
        raise Unauthenticated("webhook-id, webhook-timestamp and webhook-signature are all needed")
    if not SECONDS.fullmatch(timestamp) or abs(now - int(timestamp)) > TOLERANCE.total_seconds():
        raise Unauthenticated("webhook-timestamp is not within five minutes of now, in seconds since 1970")
    given = [raw(item[3:]) for item in signatures.split(" ") if item.startswith("v1,")]
    expected = [secret.signature(message_id, timestamp, body) for secret in secrets]
    # No early way out: how long it takes does not tell which of several secrets came close.
    matches = [hmac.compare_digest(want, have) for want in expected for have in given]
    if not any(matches):
        raise Unauthenticated("webhook-signature fits none of the configured secrets")
    return VerifiedDelivery(message_id, int(timestamp), body)
