"""Settle: bring the stored grants in line with the rule, and append what that changed to the change log."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlmodel import Session

from api.wording import Words, words_for
from api.work import Entry, Ledger
from schema.kinds import Turn
from schema.problems import Conflict
from schema.queries.rule import desired_grants
from schema.reasons import encode_reasons
from schema.sql import Statement

CHUNK = 2000  # users settled at once: what bounds the memory of an edit that touches a whole company

Held = tuple[int, int]  # a user's key and a role's
Because = tuple[int, int]  # a Kind and its ref

STORED = Statement(
    "SELECT user_key, role_key, kind, ref, since FROM grants WHERE user_key IN (SELECT key FROM {users})",
    users="key bigint",
)
DROP = Statement(
    """
    DELETE FROM grants WHERE (user_key, role_key, kind, ref) IN (SELECT user_key, role_key, kind, ref FROM {rows} r)""",
    rows="user_key bigint, role_key bigint, kind integer, ref bigint",
)
ADD = Statement(
    "INSERT INTO grants (user_key, role_key, kind, ref, since)"
    " SELECT user_key, role_key, kind, ref, since FROM {rows} r",
    rows="user_key bigint, role_key bigint, kind integer, ref bigint, since bigint",
)
APPEND = Statement(
    """
    INSERT INTO changes (position, at, event_position, organization_key, user_key, role_key, turn, reasons)
    SELECT r.position, :at, r.event_position, u.organization_key, r.user_key, r.role_key, r.turn, r.reasons
    FROM {rows} r CROSS JOIN users u WHERE u.key = r.user_key""",
    rows="position bigint, event_position bigint, user_key bigint, role_key bigint, turn integer, reasons text",
)
# Protected roles that an event took from an organization's last holder.
ORPHANED = Statement(f"""
    SELECT r.name FROM (
        SELECT DISTINCT c.role_key, c.organization_key FROM changes c
        WHERE c.event_position = :event AND c.turn = {Turn.REVOKED:d}
    ) taken CROSS JOIN roles r
    WHERE r.key = taken.role_key AND r.protected AND NOT EXISTS (
        SELECT 1 FROM grants g CROSS JOIN users u
        WHERE g.role_key = taken.role_key AND u.key = g.user_key AND u.organization_key = taken.organization_key)
    ORDER BY r.name""")


class Difference(NamedTuple):
    """A role whose reasons are no longer what is stored."""

    entry: Entry
    held: Held
    before: frozenset[Because]
    after: frozenset[Because]
    since: int

    @property
    def turn(self) -> Turn:
        """What the difference means to the user."""
        if not self.before:
            return Turn.GRANTED
        return Turn.RETAINED if self.after else Turn.REVOKED


def settle(session: Session, wave: Sequence[Entry], ledger: Ledger) -> None:
    """Make the grants of every touched user what the rule says, and record each difference under its entry.

    Changes are appended entry by entry and, within one, in the order of its touched users.
    """
    for chunk in _chunks(wave):
        _write(session, list(differences(session, chunk, ledger.now)), ledger)


def check_protected(session: Session, entry: Entry) -> None:
    """Raise Conflict, once settled, if a command took a protected role from the last who held it in an organization."""
    if entry.revoked and (orphaned := ORPHANED.scalars(session, event=entry.position)):
        raise Conflict(f"this would leave nobody with {orphaned[0]!r}, which is protected; nothing was changed")


def differences(session: Session, touched: dict[int, Entry], now: int) -> Iterator[Difference]:
    """Where the stored grants of the users, or their words, are no longer so, by user (as given) and by role."""
    users = list(touched)
    desired: defaultdict[Held, set[Because]] = defaultdict(set)
    for row in desired_grants(session, users, now):
        desired[row.user_key, row.role_key].add((row.kind, row.ref))
    stored: defaultdict[Held, set[Because]] = defaultdict(set)
    since: dict[Held, int] = {}
    for user, role, kind, ref, start in STORED.run(session, users=users):
        stored[user, role].add((kind, ref))
        since[user, role] = start
    place = {user: index for index, user in enumerate(users)}
    for held in sorted(desired.keys() | stored.keys(), key=lambda each: (place[each[0]], each[1])):
        before, after = frozenset(stored.get(held, ())), frozenset(desired.get(held, ()))
        entry = touched[held[0]]
        if before != after or (after and held in entry.reworded):
            yield Difference(entry, held, before, after, since.get(held, now))


def _chunks(wave: Sequence[Entry]) -> Iterator[dict[int, Entry]]:
    chunk: dict[int, Entry] = {}
    for entry in wave:
        for user in entry.touched:
            chunk.setdefault(user, entry)
            if len(chunk) == CHUNK:
                yield chunk
                chunk = {}
    if chunk:
        yield chunk


def _write(session: Session, found: Sequence[Difference], ledger: Ledger) -> None:
    if not found:
        return
    gone = [(*each.held, *why) for each in found for why in sorted(each.before - each.after)]
    come = [(*each.held, *why, each.since) for each in found for why in sorted(each.after - each.before)]
    if gone:
        DROP.run(session, rows=gone)
    if come:
        ADD.run(session, rows=come)
    words = words_for(session, [(each.held, each.after) for each in found])
    APPEND.run(session, at=ledger.now, rows=[_line(each, ledger, words) for each in found])
    for each in found:
        each.entry.granted += each.turn is Turn.GRANTED
        each.entry.revoked += each.turn is Turn.REVOKED


def _line(difference: Difference, ledger: Ledger, words: Words) -> tuple[object, ...]:
    reasons = encode_reasons([words(difference.held, why) for why in sorted(difference.after)])
    position = ledger.next_change()
    return (position, difference.entry.position, *difference.held, difference.turn, reasons)
