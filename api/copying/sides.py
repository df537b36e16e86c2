"""Whose trouble it is: of the database to copy from, or of the one to copy to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy import Table
from sqlmodel import Session

from api.copying.rows import Page, pages
from api.database import UNKNOWN, Database
from api.discretion import safely
from api.failures import RAISED, unusable
from schema.problems import Unavailable

T = TypeVar("T")

LOST = "the database to copy from cannot be read to its end; the database to copy to was left as it was"
UNWRITABLE = "the database to copy to cannot be written to, and was left as it was"
SILENT = "the database to copy to fell silent as the copy was finished: `check` tells whether it is there"


class SourceFails(Unavailable):
    """It is not the target that failed."""


@contextmanager
def reading() -> Iterator[None]:
    """For what reads the source amid a write to the target. Raises SourceFails when it is out of reach."""
    try:
        yield
    except RAISED as error:
        if unusable(error) is None:
            raise
        raise SourceFails(LOST, detail=safely(error)) from error


def pages_of_source(here: Session, table: Table) -> Iterator[Page]:
    """The pages of one of the source's tables. Raises SourceFails when it is out of reach."""
    with reading():
        yield from pages(here, table)


def write_to(target: Database, work: Callable[[Session], T]) -> T:
    """Write to the target, all of it or nothing. Raises Unavailable that names it when it fails."""
    try:
        return target.write_now(work)
    except SourceFails:
        raise
    except Unavailable as problem:
        if problem.detail is None or str(problem).startswith("the database to copy"):  # said already
            raise
        raise Unavailable(SILENT if str(problem).endswith(UNKNOWN) else UNWRITABLE, detail=problem.detail) from problem
