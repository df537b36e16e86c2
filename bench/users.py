"""A page of 50 users with their roles: what an administrator's table asks."""

from __future__ import annotations

from collections.abc import Callable

from bench.company import ORGANIZATION
from bench.queries import compare
from bench.report import Findings

QUERY = """query Page($id: ID!) { users(organizationId: $id, first: 50) {
    nodes { id name email active roles { role { name displayName } } } pageInfo { hasNextPage endCursor } } }"""


def measure(rounds: int, seconds: float, say: Callable[[str], None]) -> Findings:
    """The first page of 5,000 users."""
    return compare("50 users with roles, of 5,000", QUERY, [ORGANIZATION], rounds, seconds, say)
