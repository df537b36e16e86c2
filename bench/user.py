"""One user with roles and permissions: what an application asks when somebody comes."""

from __future__ import annotations

from collections.abc import Callable

from bench.company import user_id
from bench.queries import compare
from bench.report import Findings

QUERY = """query One($id: ID!) { user(id: $id) {
    id name email active roles { role { name displayName } since } permissions { name } } }"""


def measure(rounds: int, seconds: float, say: Callable[[str], None]) -> Findings:
    """Another user each time, of 5,000."""
    ids = [user_id(number) for number in range(0, 5_000, 7)]
    return compare("one user with roles and permissions", QUERY, ids, rounds, seconds, say)
