"""What an Accept header asks for: one of the two JSON media types, or an event stream."""

from __future__ import annotations

from dataclasses import dataclass

RESPONSE_JSON = "application/graphql-response+json"
JSON = "application/json"
EVENT_STREAM = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Accepted:
    """How to answer. `streams` is whether an event stream may be used, `prefers_stream` whether it must be.

    `json` is the media type for everything else, errors included.
    """

    json: str
    streams: bool = False
    prefers_stream: bool = False


def negotiate(header: str | None) -> Accepted | None:
    """Choose by the header's quality values; None when it excludes all three.

    Without a header, application/graphql-response+json (GraphQL over HTTP 6.1.1, after the legacy watershed); for `*/*`
    and `application/*`, application/json, which is what clients that name neither understand. Only a client that
    names text/event-stream gets one.
    """
    if header is None or not header.strip():
        return Accepted(RESPONSE_JSON)
    ranges = _ranges(header)
    response, plain, stream = (_quality(ranges, kind) for kind in (RESPONSE_JSON, JSON, EVENT_STREAM))
    stream = stream if EVENT_STREAM in ranges else 0.0
    if not (response or plain or stream):
        return None
    favourite = RESPONSE_JSON if (RESPONSE_JSON in ranges and response >= plain) or not plain else JSON
    return Accepted(favourite, streams=stream > 0, prefers_stream=stream > max(response, plain))


def wants_page(header: str) -> bool:
    """Whether this is a browser at its address bar: it names HTML and likes nothing better, and none of our types."""
    ranges = _ranges(header)
    named = {RESPONSE_JSON, JSON, EVENT_STREAM} & ranges.keys()
    html = ranges.get("text/html", 0.0)
    return not named and html > 0 and html >= max(ranges.values())


def _ranges(header: str) -> dict[str, float]:
    """Media ranges and their quality; parameters other than q do not tell our media types apart."""
    ranges: dict[str, float] = {}
    for item in header.split(","):
        kind, *parameters = (part.strip().lower() for part in item.split(";"))
        quality = 1.0
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name.strip() == "q":
                quality = _number(value)
        ranges[kind] = max(quality, ranges.get(kind, 0.0))
    return ranges


def _number(value: str) -> float:
    try:
        return min(1.0, max(0.0, float(value)))
    except ValueError:
        return 0.0


def _quality(ranges: dict[str, float], kind: str) -> float:
    """By the most specific range that matches (RFC 9110, 12.5.1)."""
    for candidate in (kind, kind.partition("/")[0] + "/*", "*/*"):
        if candidate in ranges:
            return ranges[candidate]
    return 0.0
