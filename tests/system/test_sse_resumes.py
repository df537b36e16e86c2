"""Server-sent events on a real server, each database: a browser that comes back goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.api.graphql.clients import stream
from tests.system.directory import AUTHORIZATION, Json, user_in
from tests.system.served import Served
from tests.system.waiting import listens

FOLLOW = "subscription { roleChanges { cursor kind userId } }"


def follow(served: Served, count: int, last_event_id: str | None = None) -> Iterator[tuple[str, Json]]:
    """So many events, each with its id; the first request after the `count`th is the end of the connection."""
    given = AUTHORIZATION | ({"Last-Event-ID": last_event_id} if last_event_id is not None else {})
    with stream(served.url, {"query": FOLLOW}, **given) as events:
        for _, event in zip(range(count), (each for each in events if each.get("event") == "next"), strict=False):
            yield event["id"], json.loads(event["data"])["data"]["roleChanges"]


def test_after_its_last_event_id_a_stream_goes_on_without_a_gap_or_a_repeat(company: Served) -> None:
    beginning = company.head()
    company.tell(user_in("cid", "eng"), user_in("dan", "eng"))
    ((last, first),) = follow(company, 1, beginning)
    assert (last, first["userId"]) == (first["cursor"], "cid")
    company.tell(user_in("eve", "eng"), user_in("cid"))
    rest = [change for _, change in follow(company, 3, last)]
    assert [(change["kind"], change["userId"]) for change in rest] == [
        ("GRANTED", "dan"),
        ("GRANTED", "eve"),
        ("REVOKED", "cid"),
    ]


def test_an_id_that_is_no_cursor_is_a_refusal_and_not_a_fresh_start(company: Served) -> None:
    with stream(company.url, {"query": FOLLOW}, **AUTHORIZATION, last_event_id="nonsense") as events:
        refused = json.loads(next(event["data"] for event in events if event.get("event") == "next"))
    assert refused["errors"][0]["extensions"]["code"] in ("BAD_INPUT", "CURSOR_EXPIRED")


def test_an_empty_id_is_none(company: Served) -> None:
    with stream(company.url, {"query": FOLLOW}, **AUTHORIZATION, last_event_id="") as events:
        listens(company)
        company.tell(user_in("cid", "eng"))
        told = json.loads(next(event["data"] for event in events if event.get("event") == "next"))
    assert told["data"]["roleChanges"]["userId"] == "cid"
