"""Waves: consecutive events whose users do not overlap, so that writing them together is writing them one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlmodel import Session

from api.facts.groups import Known, known_groups, named_groups
from api.work import Entry
from schema.events import Ignored, Rejected
from schema.wire import GroupDeleted, GroupDescribed, UserDeleted, UserSnapshot

Claim = tuple[str, str]


class Words:
    """What groups are called, event by event: a reason is worded with the name as of its own event."""

    def __init__(self, known: dict[str, Known]) -> None:
        """`known` are the groups as they stand before the first event."""
        self._named = {group: ((each.seen_at, each.seen_by), each.named) for group, each in known.items()}
        self._described = {group: ((each.at, each.by), each.display_name) for group, each in known.items()}

    def hear(self, entry: Entry) -> set[str]:
        """Take an event in, and tell which groups are called otherwise from now on."""
        turned: set[str] = set()
        stamp = (entry.at, entry.event.id)
        for naming in named_groups(entry):
            before = self._word(naming.id)
            seen, name = self._named.get(naming.id, ((-1, ""), None))
            if stamp > seen:
                self._named[naming.id] = stamp, name if naming.name is None else naming.name
            if (
                isinstance(entry.event.body, GroupDescribed)
                and stamp > self._described.get(naming.id, ((0, ""), None))[0]
            ):
                self._described[naming.id] = stamp, naming.name
            if self._word(naming.id) != before:
                turned.add(naming.id)
        return turned

    def _word(self, group: str) -> str | None:
        described = self._described.get(group, (None, None))[1]
        return described if described is not None else self._named.get(group, (None, None))[1]


def waves(session: Session, entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Cut a batch into waves, in order.

    An event that may touch many users is a wave of its own: one about a catalogue, an organization or mappings, a
    group's removal, and any that names a removed group, since that brings its members' roles back. One that calls a
    group otherwise is in no wave with an earlier event that names it.
    """
    known = known_groups(session, entries)
    words = Words(known)
    risky = {group for group, each in known.items() if each.deleted}
    risky |= {entry.event.body.id for entry in entries if isinstance(entry.event.body, GroupDeleted)}
    wave: list[Entry] = []
    claimed: set[Claim] = set()
    named: set[str] = set()
    for entry in entries:
        claims, renamed = _claims(entry, risky), words.hear(entry)
        if claims is None or not claimed.isdisjoint(claims) or not named.isdisjoint(renamed):
            if wave:
                yield wave
            wave, claimed, named = [], set(), set()
        if claims is None:
            yield [entry]
        else:
            wave.append(entry)
            claimed |= claims
            named |= {naming.id for naming in named_groups(entry)}
    if wave:
        yield wave


def _claims(entry: Entry, risky: set[str]) -> set[Claim] | None:
    """What no other event of the wave may be about; None if the event is to be alone."""
    body = entry.event.body
    if any(naming.id in risky for naming in named_groups(entry)):
        return None
    if isinstance(body, UserSnapshot | UserDeleted):
        return {("user", body.id)}
    if isinstance(body, GroupDescribed):
        return {("group", body.id)}
    return set() if isinstance(body, Ignored | Rejected) else None
