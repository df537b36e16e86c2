"""How much an answer may hold: who reads objects and who tells them draw from it, before the memory is spent."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from schema.problems import TooComplex

UNBOUNDED = sys.maxsize


@dataclass(slots=True)
class Budget:
    """Of one operation. What is read once may be told many times over, so that the two are counted apart.

    `nodes` are objects, `fields` are what they are told with: both take a few microseconds of the event loop.
    """

    nodes: int = UNBOUNDED
    fields: int = UNBOUNDED
    read: int = 0
    told: int = 0
    told_fields: int = 0

    def anew(self) -> Budget:
        """The same bounds, of which nothing is spent."""
        return Budget(self.nodes, self.fields)

    def must_fit(self, objects: int) -> None:
        """Raise TooComplex if so many more objects are more than may be read."""
        _check("nodes", self.read + objects, self.nodes)

    def reading(self, objects: int) -> None:
        """So many more objects are about to be made of what was read; raise TooComplex if they do not fit."""
        self.must_fit(objects)
        self.read += objects  # by several threads, where fields are read at once: one may be lost, and no harm done

    def telling(self, objects: int, fields: int) -> None:
        """Raise TooComplex if so many more objects, with so many fields, are more than may be told."""
        self.told += objects
        self.told_fields += fields
        _check("nodes", self.told, self.nodes)
        _check("fields", self.told_fields, self.fields)


def _check(measure: str, spent: int, limit: int) -> None:
    if spent > limit:
        raise TooComplex(f"{measure}: this answer has more than {limit}, which is the limit")
