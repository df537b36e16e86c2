"""Request bodies, bounded: chunked or announced, nobody makes the server hold more than a route accepts."""

from __future__ import annotations

from starlette.requests import Request

from schema.problems import TooLarge


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body; raise TooLarge as soon as it is known to be longer than `limit` bytes."""
    announced = request.headers.get("content-length", "")
    too_large = TooLarge(f"the body is longer than {limit} bytes")
    if announced.isdecimal() and int(announced[:20]) > limit:
        raise too_large
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise too_large
    return bytes(body)
