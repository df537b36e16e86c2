"""What the tests of faults share: a PostgreSQL that may be killed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.postmasters import Postmaster, postmaster_running


@pytest.fixture(scope="session")
def one_postmaster() -> Iterator[Postmaster]:
    with postmaster_running() as postmaster:
        yield postmaster


@pytest.fixture
def postmaster(one_postmaster: Postmaster) -> Iterator[Postmaster]:
    """A running PostgreSQL that the test may kill; it runs again for the next."""
    yield one_postmaster
    if not one_postmaster.runs:
        one_postmaster.start()
