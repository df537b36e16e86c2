"""`python -m bench`: every claim about speed, measured in one run."""

from __future__ import annotations

import enum
import shlex
import sys
import time
from collections.abc import Callable
from typing import Annotated

import typer

from bench import delay, growth, report, scale, user, users, webhooks
from bench.report import Findings


class Name(enum.StrEnum):
    """A benchmark, by the name of its file."""

    WEBHOOKS = "webhooks"
    DELAY = "delay"
    USER = "user"
    USERS = "users"
    SCALE = "scale"
    GROWTH = "growth"


BENCHMARKS: dict[Name, Callable[[int, float, Callable[[str], None]], Findings]] = {
    Name.WEBHOOKS: webhooks.measure,
    Name.DELAY: delay.measure,
    Name.USER: user.measure,
    Name.USERS: users.measure,
    Name.SCALE: scale.measure,
    Name.GROWTH: growth.measure,
}


def main(
    only: Annotated[list[Name] | None, typer.Option(help="Only this benchmark; may be repeated.")] = None,
    rounds: Annotated[int, typer.Option(min=1, max=99, help="Rounds to take the median of.")] = 3,
    seconds: Annotated[float, typer.Option(min=0.2, max=60, help="How long each load lasts.")] = 2.0,
    write: Annotated[bool, typer.Option(help="Write bench/RESULTS.md, when every benchmark ran.")] = True,
) -> None:
    """Measure, print the table, and write bench/RESULTS.md."""
    start = time.monotonic()
    chosen = [name for name in Name if not only or name in only]
    findings = [BENCHMARKS[name](rounds, seconds, _say) for name in chosen]
    typer.echo(f"\n{report.machine()}\n\n{report.table(findings)}\n")
    for note in (note for found in findings for note in found.notes):
        typer.echo(f"- {note}")
    _say(f"took {time.monotonic() - start:.0f} s")
    if write and len(chosen) == len(Name):
        command = shlex.join(["python", "-m", "bench", *sys.argv[1:]])
        report.RESULTS.write_text(report.document(command, findings, rounds, seconds), encoding="utf-8")


def _say(what: str) -> None:
    typer.echo(what, err=True)


if __name__ == "__main__":
    typer.run(main)
