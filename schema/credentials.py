"""An API key's secret: what it looks like, and what is kept of it."""

from __future__ import annotations

import base64
import hashlib
import secrets

FROM_ENVIRONMENT = "ROLECAST_API_KEY"  # the variable, and the name of the key that is made of it


def new_api_key(drawn: bytes | None = None) -> str:
    """`rk_` and 32 random bytes: recognisable, and beyond guessing; `drawn` are bytes that are as good as random."""
    return "rk_" + base64.urlsafe_b64encode(drawn or secrets.token_bytes(32)).rstrip(b"=").decode()


def hash_of(secret: str) -> str:
    """What is stored of a secret: its SHA-256; a slow hash would guard guessable words, and these are random."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
