"""The results: rows of medians and ratios, as a Markdown table on the screen and in RESULTS.md."""

from __future__ import annotations

import os
import platform
import sqlite3
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.load import Load
from bench.processes import disk

LOAD_AT_START = os.getloadavg()[0]
RESULTS = Path(__file__).parent / "RESULTS.md"
HEADINGS = ("what", "load", "measure", "Rolecast", "bare route", "ratio", "lowest to highest", "goal")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: Rolecast's and the bare route's value in each round, and the goal of their ratio."""

    what: str
    load: str
    measure: str
    rolecast: Sequence[float]
    bare: Sequence[float]
    goal: str = ""

    def cells(self) -> tuple[str, ...]:
        """The line as text. Ratios are taken round by round, since both sides of a round had the same machine."""
        ratios = [ours / theirs for ours, theirs in zip(self.rolecast, self.bare, strict=True)]
        return (
            self.what,
            self.load,
            self.measure,
            _number(statistics.median(self.rolecast)),
            _number(statistics.median(self.bare)),
            f"{statistics.median(ratios):.2f}",
            f"{min(ratios):.2f} to {max(ratios):.2f}",
            self.goal,
        )


def rows_of(what: str, where: str, ours: Sequence[Load], theirs: Sequence[Load], goal: str = "") -> list[Row]:
    """Three rows: how many a second (the goal's), how long each takes, and what it costs the server."""
    rows = [
        Row(what, where, "answers/s", [each.rate for each in ours], [each.rate for each in theirs], goal),
        Row(what, where, "median ms", [each.median_ms for each in ours], [each.median_ms for each in theirs]),
    ]
    if all(each.served for each in (*ours, *theirs)):
        rows.append(Row(what, where, "CPU µs", [each.cost for each in ours], [each.cost for each in theirs]))
    return rows


@dataclass(frozen=True, slots=True)
class Findings:
    """What a benchmark hands back: its rows, and sentences that belong beside them."""

    rows: list[Row]
    notes: list[str]


def table(findings: Sequence[Findings]) -> str:
    """Every row, as a Markdown table whose columns are aligned."""
    lines = [HEADINGS, *(row.cells() for found in findings for row in found.rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    rule = tuple("-" * width for width in widths)
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"
        for line in (lines[0], rule, *lines[1:])
    )


def document(command: str, findings: Sequence[Findings], rounds: int, seconds: float) -> str:
    """RESULTS.md."""
    notes = "\n".join(f"- {note}" for found in findings for note in found.notes)
    return f"""# What it does a second

`{command}`, on {time.strftime("%Y-%m-%d", time.gmtime())}: {machine()}.

{table(findings)}

Every number is the median of {rounds} rounds of {seconds:g} s that alternate between Rolecast and a bare Starlette
route on the same uvicorn, so that a ratio (taken round by round, with its lowest and highest beside it) means the same
on another machine, where the numbers do not. Of rates a higher ratio is better, of times a lower one ("CPU µs" is the
server's processor time for an answer, which other work on the machine changes least).

{notes}
"""


def machine() -> str:
    """What it ran on, without its name."""
    return (
        f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version} on {disk()[1]}, load average {LOAD_AT_START:.1f} at the start"
    )


def at(connections: int) -> str:
    """The load in words."""
    return f"{connections} connection{'s' * (connections != 1)}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"
