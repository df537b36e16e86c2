"""What a refusal costs: next to no CPU, whatever it was that is refused."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

from api.graphql.errors import RequestError
from schema.problems import BadInput

CPU_SECONDS = 0.1

Refusal = tuple[str, str]
"""A code and a message; empty when nothing was refused."""


def cheap(work: Callable[[], object], within: float = CPU_SECONDS) -> Refusal:
    """How the work was refused, and that it took no more than its share of CPU; neighbours may spoil two tries.

    Without the collector, whose share grows with whatever other tests have left in this process.
    """
    gc.disable()
    try:
        return _cheap(work, within)
    finally:
        gc.enable()


def _cheap(work: Callable[[], object], within: float) -> Refusal:
    spent = []
    refusal: Refusal = ("", "")
    for _ in range(3):
        started = time.thread_time()
        try:
            work()
        except RequestError as error:
            refusal = error.errors[0]["extensions"]["code"], error.errors[0]["message"]
        except BadInput as problem:
            refusal = problem.code, str(problem)
        spent.append(time.thread_time() - started)
        if spent[-1] < within:
            return refusal
    raise AssertionError(f"took {min(spent) * 1000:.0f} ms at best")
