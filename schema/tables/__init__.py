"""What is stored, in the order it flows: journal, facts, grants and changes. Of callers, see schema.callers.

Wire ids are text; behind each stands an integer `key`, given out by the one writer in journal order, so that a rebuild
gives the same keys again. Times are integers, nanoseconds since the epoch: directories send nine digits, and order
hangs on them. A fact's `(at, by)` is the `occurred_at` and id of the event it came from; zero and empty mean "only
named so far".

Tables refer to one another by name, so importing the package declares them all.
"""

from schema.tables import catalogue, directory, grants, logs

__all__ = ["catalogue", "directory", "grants", "logs"]
