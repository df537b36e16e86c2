"""From pages of rows to connections: nodes are loaded for all pages together, and only what was selected is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from schema.graphql.asking import format_key
from schema.graphql.connections import Connection, Edge, PageInfo
from schema.graphql.wanted import Wanted
from schema.queries.paging import Page

T = TypeVar("T")
Row = TypeVar("Row")


def connection(
    keys: Sequence[int], nodes: Sequence[T], more: bool, total: int, cursor: Callable[[int], str] = format_key
) -> Connection[T]:
    """A page of a list that is in the order of integer keys, each of which `cursor` makes opaque."""
    ends = [cursor(key) for key in keys]
    return Connection(
        edges=[Edge(cursor=end, node=node) for end, node in zip(ends, nodes, strict=True)],
        nodes=list(nodes),
        page_info=PageInfo(has_next_page=more, end_cursor=ends[-1] if ends else None),
        total_count=total,
    )


def connected(
    parents: Sequence[int],
    wanted: Wanted,
    *,
    read: Callable[[], Mapping[int, Page[Row]]],
    count: Callable[[], Mapping[int, int]],
    load: Callable[[list[Row], Wanted], Sequence[T]],
    cursor: Callable[[int], str] = format_key,
) -> dict[int, Connection[T]]:
    """A connection for each parent. `load` turns rows into nodes, one for one."""
    empty: Page[Row] = Page([], [], False)
    pages = read() if parents and wanted.any("edges", "nodes", "pageInfo") else {}
    totals = count() if parents and "totalCount" in wanted else {}
    rows = [row for page in pages.values() for row in page.rows]
    nodes = iter(load(rows, wanted["edges"]["node"].merged(wanted["nodes"])) if rows else ())
    of_parent = {parent: [next(nodes) for _ in page.rows] for parent, page in pages.items()}
    return {
        parent: connection(
            pages.get(parent, empty).keys,
            of_parent.get(parent, []),
            pages.get(parent, empty).more,
            totals.get(parent, 0),
            cursor,
        )
        for parent in parents
    }
