"""Pages of lists, by keyset: a cursor stays good whatever is added or removed before it."""

from __future__ import annotations

from typing import Generic, TypeVar

import strawberry

T = TypeVar("T")


@strawberry.type(description="Where a page ends, and whether there is another.")
class PageInfo:
    """`end_cursor` is the `after` of the next page."""

    has_next_page: bool
    end_cursor: str | None


@strawberry.type(description="An item of a page.")
class Edge(Generic[T]):
    """A node with its place in the list."""

    cursor: str
    node: T


@strawberry.type(description="A page of a list; `first` is 1 to 200, and `after` an earlier page's end.")
class Connection(Generic[T]):
    """The page; `total_count` is of the whole list, and is counted only when selected."""

    edges: list[Edge[T]]
    nodes: list[T]
    page_info: PageInfo
    total_count: int
