"""The oracle: what DESIGN.md and FACTS.md promise, in memory and without haste. It shares no code with the service.

It is told events as they came over the wire, in any order, and says which roles a user is to hold.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from schema.events import Event

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
class Model:
    """Everything known; `apply` it events, and ask for `roles`."""

    users: dict[str, Person] = field(default_factory=dict)
    groups: dict[str, tuple[str, Newest]] = field(default_factory=dict)  # organization, and whether it is there
    organizations: dict[str, Newest] = field(default_factory=dict)  # whether it was removed
    catalogue: dict[RoleId, dict[str, Newest]] = field(default_factory=dict)  # a field's newest word; "there" is one
    mappings: set[tuple[str, RoleId]] = field(default_factory=set)
    by_hand: set[tuple[str, RoleId]] = field(default_factory=set)
    defaults: dict[tuple[str | None, str], RoleId] = field(default_factory=dict)
    creators: dict[str, str] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)

    def apply(self, event: Event, now: int = 0) -> bool:
        """Take an event in; `now` is when it was received. False if it is a command that is to be refused."""
        if event.id in self.seen:
            return True
        said = json.loads(event.payload)
        if said["type"].startswith("admin."):
            accepted = self._command(said, event, now)
        else:
            accepted = True
            self._webhook(said, (nanoseconds(said["occurred_at"]), event.id))
        if accepted:
            self.seen.add(event.id)
        return accepted

    def roles(self, user: str) -> set[str]:
        """The names of the roles that the user is to hold."""
        person = self.users.get(user)
        if person is None or not person.there or not person.active or self._is_removed(person.organization):
            return set()
        held = {role for group, role in self.mappings if group in person.groups and self.groups[group][1].word}
        held |= {role for name in person.asserted if (role := self._meant(name, person.organization)) is not None}
        held |= {role for who, role in self.by_hand if who == user}
        if self.creators.get(person.organization) == user and (None, "creator") in self.defaults:
            held.add(self.defaults[None, "creator"])
        held = {role for role in held if self._is_registered(role)}
        if not held:
            own, everywhere = (person.organization, "member"), (None, "member")
            default = self.defaults.get(own, self.defaults.get(everywhere))
            held = {default} if default is not None and self._is_registered(default) else set()
        return {name for _, name in held}

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

    # ---- the administrator

    def _command(self, said: dict[str, Any], event: Event, now: int) -> bool:
        kind, organization = said["type"].removeprefix("admin."), event.organization_id
        if kind == "create_role":
            return self._create_role(said, event, now)
        if kind == "set_default_roles":
            return self._set_defaults(said, organization)
        if organization is None:
            return False
        if kind == "set_mappings":
            return self._set_mappings(said, organization)
        if kind == "set_creator":
            if self._is_there(said["user_id"], organization):
                self.creators[organization] = said["user_id"]
                return True
            return False
        if kind == "unmap_group":
            return self._is_known(said["group_id"], organization) and self._take(
                self.mappings, said["group_id"], said["role"]
            )
        if kind == "revoke_role":
            user = self.users.get(said["user_id"])
            mine = user is not None and user.organization == organization  # a removed user's grant can be ended too
            return mine and self._take(self.by_hand, said["user_id"], said["role"])
        role = self._meant(said["role"], organization)
        if role is None:
            return False
        if kind == "map_group":
            there, pairs, whose = self._is_known(said["group_id"], organization), self.mappings, said["group_id"]
        else:
            there, pairs, whose = self._is_there(said["user_id"], organization), self.by_hand, said["user_id"]
        if there:
            pairs.add((whose, role))
        return there

    def _take(self, pairs: set[tuple[str, RoleId]], whose: str, name: str) -> bool:
        """End what is called so, whatever has become of the role since."""
        taken = {pair for pair in pairs if pair[0] == whose and pair[1][1] == name}
        pairs -= taken
        return bool(taken)

    def _create_role(self, said: dict[str, Any], event: Event, now: int) -> bool:
        role = (event.organization_id, said["name"])
        if self._is_registered(role) or self._is_registered((None, said["name"])):
            return False
        newest = max((word.stamp[0] for word in self.catalogue.get(role, {}).values()), default=0)
        words = {"there": True} | {each: said.get(each) for each in ("display_name", "description", "extends")}
        self._say_of_role(role, (max(now, newest + 1), event.id), words)
        return True

    def _set_mappings(self, said: dict[str, Any], organization: str) -> bool:
        wanted: set[tuple[str, RoleId]] = set()
        for pair in said["mappings"]:
            role = self._meant(pair["role"], organization)
            if role is None or not self._is_known(pair["group_id"], organization):
                return False
            wanted.add((pair["group_id"], role))
        others = {pair for pair in self.mappings if self.groups[pair[0]][0] != organization}
        self.mappings = others | wanted
        return True

    def _set_defaults(self, said: dict[str, Any], organization: str | None) -> bool:
        if organization is not None and "creator" in said:
            return False
        turns: dict[tuple[str | None, str], RoleId | None] = {}
        for of in ("member", "creator"):
            if of in said:
                turns[organization, of] = None if said[of] is None else self._meant(said[of], organization)
                if said[of] is not None and turns[organization, of] is None:
                    return False
        for where, role in turns.items():
            self.defaults.pop(where, None)
            if role is not None:
                self.defaults[where] = role
        return True

    # ---- what is so

    def _is_registered(self, role: RoleId) -> bool:
        return bool(self.catalogue.get(role, {}).get("there", Newest()).word)

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
