"""A GraphQL query over HTTP, against a bare route that decodes the request and encodes the same answer."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx

from bench.load import Queries, load
from bench.report import Findings, Row, at, rows_of
from bench.setting import graphql, pair

CONNECTIONS = (1, 8)


def compare(what: str, query: str, ids: list[str], rounds: int, seconds: float, say: Callable[[str], None]) -> Findings:
    """Rates and medians of a query, `$id` being each of `ids` in turn."""
    rows: list[Row] = []
    with pair() as servers:
        answer = {"data": graphql(servers.rolecast, query, id=ids[0])}
        httpx.put(f"{servers.bare.url}/answer", json=answer).raise_for_status()
        for connections in CONNECTIONS:
            say(f"{what} {at(connections)}")
            ours, theirs = [], []
            for _ in range(rounds):
                graph, plain = Queries("/graphql", query, ids), Queries("/answer", query, ids)
                ours.append(load(servers.rolecast, graph, connections=connections, seconds=seconds))
                theirs.append(load(servers.bare, plain, connections=connections, seconds=seconds))
            rows += rows_of(what, at(connections), ours, theirs)
    return Findings(rows, [f"{what.capitalize()}: an answer of {len(json.dumps(answer)):,} bytes."])
