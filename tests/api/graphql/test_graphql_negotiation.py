"""Accept headers, and what each leads to."""

from __future__ import annotations

import pytest

from api.graphql.negotiation import JSON, RESPONSE_JSON, negotiate


@pytest.mark.parametrize(
    ("accept", "json", "streams", "prefers"),
    [
        (None, RESPONSE_JSON, False, False),
        ("", RESPONSE_JSON, False, False),
        ("*/*", JSON, False, False),
        ("application/*", JSON, False, False),
        ("application/json", JSON, False, False),
        ("application/graphql-response+json", RESPONSE_JSON, False, False),
        ("application/graphql-response+json, application/json", RESPONSE_JSON, False, False),
        ("application/json, application/graphql-response+json", RESPONSE_JSON, False, False),
        ("application/graphql-response+json;q=0.5, application/json", JSON, False, False),
        ("application/json; q=0.9, application/graphql-response+json", RESPONSE_JSON, False, False),
        ("application/graphql-response+json;q=0, */*", JSON, False, False),
        ("application/json;q=0, */*", RESPONSE_JSON, False, False),
        ("APPLICATION/JSON;charset=utf-8", JSON, False, False),
        ("text/html,application/xhtml+xml,*/*;q=0.8", JSON, False, False),
        ("text/event-stream", RESPONSE_JSON, True, True),
        ("text/event-stream, application/json;q=0.5", JSON, True, True),
        (
            "application/graphql-response+json, application/json, text/event-stream, multipart/mixed",
            RESPONSE_JSON,
            True,
            False,
        ),
        ("application/json;q=nonsense, application/graphql-response+json;q=0.1", RESPONSE_JSON, False, False),
        ("text/event-stream;q=0, */*", JSON, False, False),
    ],
)
def test_the_accept_header_decides(accept: str | None, json: str, streams: bool, prefers: bool) -> None:
    accepted = negotiate(accept)
    assert accepted is not None
    assert (accepted.json, accepted.streams, accepted.prefers_stream) == (json, streams, prefers)
