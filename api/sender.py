"""Sends one event as a directory would: signed, to a running server."""

from __future__ import annotations

import hashlib
import re
import time

import httpx

from api.signing import sign
from schema.events import from_webhook
from schema.problems import BadInput, Unavailable

PATIENCE = 30.0  # seconds
IN_A_HEADER = re.compile(r"[!-~]+")


def send(url: str, secret: str, body: bytes) -> tuple[int, str]:
    """Sign a body, post it to `url`/webhook, and give the answer's status and text.

    The message id is the event's own. Raises BadInput for a secret or URL that is none, Unavailable if nobody answers.
    """
    message_id = from_webhook("msg_unreadable", body).id
    if not IN_A_HEADER.fullmatch(message_id):
        message_id = f"msg_{hashlib.sha256(body).hexdigest()}"
    timestamp = int(time.time())
    try:
        signature = sign(secret, message_id, timestamp, body)
    except ValueError as error:
        raise BadInput(str(error)) from None
    headers = {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature,
    }
    try:
        answer = httpx.post(f"{url.rstrip('/')}/webhook", content=body, headers=headers, timeout=PATIENCE)
    except httpx.InvalidURL as error:
        raise BadInput(f"{url} is not a URL: {error}") from None
    except httpx.TransportError as error:
        raise Unavailable(f"no server answers at {url}: start one with `make run`", detail=str(error)) from error
    return answer.status_code, answer.text
