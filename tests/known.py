"""What the oracle knows, and what follows from it. It shares no code with the service."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Stamp = tuple[int, str]  # when it occurred, in nanoseconds, and the event's id: the greater decides
RoleId = tuple[str | None, str]  # an organization, or None for the environment, and a name
NEVER: Stamp = (-1, "")
DIRECTORY = "organization.directory."


@dataclass
class Person:
    """What the newest event of a user says."""

    organization: str
    stamp: Stamp = NEVER
    there: bool = False
    active: bool = False
    groups: frozenset[str] = frozenset()
    asserted: frozenset[str] = frozenset()


@dataclass
class Newest:
    """A word, as last said."""

    stamp: Stamp = NEVER
    word: Any = None

    def say(self, stamp: Stamp, word: Any) -> None:
        """Take the word if it is newer."""
        if stamp > self.stamp:
            self.stamp, self.word = stamp, word


@dataclass
class Known:
    """Everything known: it hears directories, and is asked for `roles`."""

    users: dict[str, Person] = field(default_factory=dict)
    groups: dict[str, tuple[str, Newest]] = field(default_factory=dict)  # organization, and whether it is there
    organizations: dict[str, Newest] = field(default_factory=dict)  # whether it was removed
    catalogue: dict[RoleId, dict[str, Newest]] = field(default_factory=dict)  # a field's newest word; "there" is one
    mappings: set[tuple[str, RoleId]] = field(default_factory=set)
    by_hand: dict[tuple[str, RoleId], int | None] = field(default_factory=dict)  # and when it ends
    defaults: dict[tuple[str | None, str], RoleId] = field(default_factory=dict)
    creators: dict[str, str] = field(default_factory=dict)
    permissions: set[str] = field(default_factory=set)
    now: int = 0

    def roles(self, user: str) -> set[str]:
        """The names of the roles that the user is to hold."""
        return {name for _, name in self._held(user)}

    def is_anything_over(self, now: int) -> bool:
        """Whether a grant by hand has expired, and waits to be swept."""
        return any(end is not None and end <= now for end in self.by_hand.values())

    def _held(self, user: str) -> set[RoleId]:
        person = self.users.get(user)
        if person is None or not person.there or not person.active or self._is_removed(person.organization):
            return set()
        held = {role for group, role in self.mappings if group in person.groups and self.groups[group][1].word}
        held |= {role for name in person.asserted if (role := self._meant(name, person.organization)) is not None}
        held |= {role for (who, role), end in self.by_hand.items() if who == user and not self._is_over(end)}
        if self.creators.get(person.organization) == user and (None, "creator") in self.defaults:
            held.add(self.defaults[None, "creator"])
        held = {role for role in held if self._is_registered(role)}
        if not held:
            own, everywhere = (person.organization, "member"), (None, "member")
            default = self.defaults.get(own, self.defaults.get(everywhere))
            held = {default} if default is not None and self._is_registered(default) else set()
        return held

    # ---- the directory

    def _webhook(self, said: dict[str, Any], stamp: Stamp) -> None:
        kind, data = said["type"], said["data"]
        organization: Any = said.get("organization_id")
        if kind.startswith(DIRECTORY + "user"):
            self._person(kind, data, organization, stamp)
        elif kind.startswith(DIRECTORY + "group"):
            self._group(data["id"], organization, stamp, there=not kind.endswith("deleted"))
        elif kind in ("organization.created", "organization.updated", "organization.deleted"):
            self.organizations.setdefault(data["id"], Newest()).say(stamp, kind.endswith("deleted"))
        elif kind.startswith("role."):
            words = {"there": False}
            if not kind.endswith("deleted"):
                words = {"there": True} | {each: data.get(each) for each in ("display_name", "description", "extends")}
            self._say_of_role((organization, data["name"]), stamp, words)

    def _person(self, kind: str, data: dict[str, Any], organization: str, stamp: Stamp) -> None:
        person = self.users.setdefault(data["id"], Person(organization))
        groups = frozenset(group["id"] for group in data.get("groups") or [])
        for group in groups:
            self._group(group, organization, stamp, there=True)
        if stamp > person.stamp:
            there = not kind.endswith("deleted")
            asserted = frozenset(role["role_name"] for role in data.get("roles") or [])
            active = data.get("active") is not False
            self.users[data["id"]] = Person(organization, stamp, there, active, groups, asserted)

    def _group(self, group: str, organization: str, stamp: Stamp, *, there: bool) -> None:
        self.groups.setdefault(group, (organization, Newest()))[1].say(stamp, there)

    def _say_of_role(self, role: RoleId, stamp: Stamp, words: dict[str, Any]) -> None:
        known = self.catalogue.setdefault(role, {})
        for name, word in words.items():
            known.setdefault(name, Newest()).say(stamp, word)

    # ---- what is so

    def _word(self, role: RoleId, name: str) -> Any:
        return self.catalogue.get(role, {}).get(name, Newest()).word

    def _is_registered(self, role: RoleId) -> bool:
        return bool(self._word(role, "there"))

    def _is_over(self, end: int | None) -> bool:
        return end is not None and end <= self.now

    def _holders(self) -> set[tuple[str, RoleId]]:
        """Which roles somebody holds, organization by organization."""
        return {(person.organization, role) for user, person in self.users.items() for role in self._held(user)}

    def _meant(self, name: str, organization: str | None) -> RoleId | None:
        """What a name means inside an organization: its own role before the environment's."""
        return next((role for role in ((organization, name), (None, name)) if self._is_registered(role)), None)

    def _is_removed(self, organization: str) -> bool:
        return bool(self.organizations.get(organization, Newest()).word)

    def _is_known(self, group: str, organization: str) -> bool:
        return group in self.groups and self.groups[group][0] == organization

    def _is_there(self, user: str, organization: str) -> bool:
        return user in self.users and self.users[user].there and self.users[user].organization == organization


def nanoseconds(text: str) -> int:
    """Nanoseconds since the epoch of a time in UTC with any number of digits, up to nine."""
    whole, _, fraction = text.removesuffix("Z").partition(".")
    seconds = int(datetime.fromisoformat(whole).replace(tzinfo=UTC).timestamp())
    return seconds * 10**9 + int(fraction.ljust(9, "0"))
