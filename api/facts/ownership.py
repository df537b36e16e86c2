"""Ownership: users, groups and directories are the organization's that named them first; another's is rejected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from sqlmodel import Session

from api.facts.directories import directory_owner
from api.facts.groups import named_groups
from api.work import Entry
from schema.kinds import Outcome
from schema.wire import DirectoryChanged, UserDeleted, UserSnapshot


class Owned(Protocol):
    """What belongs to an organization."""

    @property
    def organization(self) -> str:
        """The organization's id."""
        ...


def reject_foreign(
    session: Session, wave: Sequence[Entry], people: Mapping[str, Owned], groups: Mapping[str, Owned]
) -> None:
    """Reject each entry that speaks of what is another organization's, before it can leave anything behind.

    `people` and `groups` are those known before the wave.
    """
    owners: dict[tuple[str, str], str | None] = {("user", id): known.organization for id, known in people.items()}
    owners |= {("group", id): known.organization for id, known in groups.items()}
    for entry in wave:
        if entry.outcome is not Outcome.APPLIED:
            continue
        if isinstance(entry.event.body, DirectoryChanged):
            directory = entry.event.body.id
            owners["directory", directory] = directory_owner(session, directory) or entry.event.organization_id
        spoken_of = _spoken_of(entry)
        foreign = [
            each for each in spoken_of if owners.get(each, entry.event.organization_id) != entry.event.organization_id
        ]
        if foreign:
            noun, id = foreign[0]
            entry.reject(f"{noun} {id} belongs to another organization")
        else:
            owners |= dict.fromkeys(spoken_of, entry.event.organization_id)


def _spoken_of(entry: Entry) -> list[tuple[str, str]]:
    body = entry.event.body
    names = [("group", naming.id) for naming in named_groups(entry)]
    if isinstance(body, UserSnapshot | UserDeleted):
        names.append(("user", body.id))
    elif isinstance(body, DirectoryChanged):
        names.append(("directory", body.id))
    return names
