"""Search by a part of any of some columns, whatever the case."""

from __future__ import annotations

from schema.problems import BadInput

LONGEST = 200


def contains(*columns: str) -> str:
    """The condition that the columns, side by side, contain what `pattern` made of the search.

    Both sides are lowered by the database: SQLite's LOWER knows ASCII alone, and Python's would not meet it.
    """
    text = " || ' ' || ".join(f"coalesce({column}, '')" for column in columns)
    return f"LOWER({text}) LIKE LOWER(:search) ESCAPE '!'"


def pattern(search: str | None) -> dict[str, str]:
    """The parameter that goes with `contains`; none without a search."""
    if search is None:
        return {}
    if len(search) > LONGEST:
        raise BadInput(f"`search` is at most {LONGEST} characters long")
    escaped = search.strip().replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return {"search": f"%{escaped}%"}
