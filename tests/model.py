"""The oracle: what DESIGN.md and FACTS.md promise, in memory and without haste. It shares no code with the service.

It is told events as they came over the wire, in any order, and says which roles a user is to hold.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field
from typing import Any

from schema.events import Event
from tests.known import Known, RoleId, nanoseconds

NOTHING = -1  # no end of a grant, not even "never"


@dataclass
class Model(Known):
    """Apply it events, and ask it for `roles`."""

    seen: set[str] = field(default_factory=set)

    def apply(self, event: Event, now: int = 0) -> bool:
        """Take an event in; `now` is when it was received. False if it is a command that is to be refused."""
        if event.id in self.seen:
            return True
        self.now = max(self.now, now)
        said = json.loads(event.payload)
        if said["type"].startswith("admin."):
            accepted = self._ask(said, event)
        elif said["type"] == "system.expire_grants":
            accepted = self._expire(said["until"])
        else:
            accepted = True
            self._webhook(said, (nanoseconds(said["occurred_at"]), event.id))
        if accepted:
            self.seen.add(event.id)
        return accepted

    # ---- the administrator

    def _ask(self, said: dict[str, Any], event: Event) -> bool:
        """A command that would leave an organization without a holder of a protected role is refused after all."""
        before, left = copy.deepcopy(vars(self)), self._holders()
        accepted = self._command(said, event)
        if accepted and (lost := left - self._holders()):
            accepted = not any(self._word(role, "protected") for _, role in lost)
        if not accepted:
            vars(self).update(before)
        return accepted

    def _command(self, said: dict[str, Any], event: Event) -> bool:
        kind, organization = said["type"].removeprefix("admin."), event.organization_id
        if kind == "create_role":
            return self._create_role(said, event)
        if kind == "update_role":
            return self._update_role(said, event)
        if kind == "delete_role":
            return self._delete_role(said, event)
        if kind.endswith("_permission"):
            return self._permission(said["name"], there=kind.startswith("create"))
        if kind == "set_default_roles":
            return self._set_defaults(said, organization)
        return organization is not None and self._command_in(organization, kind, said)

    def _command_in(self, organization: str, kind: str, said: dict[str, Any]) -> bool:
        """A command about an organization's own users and groups."""
        if kind == "set_mappings":
            return self._set_mappings(said, organization)
        if kind == "set_creator":
            return self._set_creator(said["user_id"], organization)
        if kind == "unmap_group":
            return self._unmap(said["group_id"], said["role"], organization)
        if kind == "revoke_role":
            return self._revoke(said["user_id"], said["role"], organization)
        role = self._meant(said["role"], organization)
        if role is None:
            return False
        if kind == "map_group":
            there = self._is_known(said["group_id"], organization)
            self.mappings = self.mappings | {(said["group_id"], role)} if there else self.mappings
            return there
        if not self._is_there(said["user_id"], organization):
            return False
        self.by_hand[said["user_id"], role] = said.get("expires_at")
        return not self._is_over(said.get("expires_at"))

    def _set_creator(self, user: str, organization: str) -> bool:
        if not self._is_there(user, organization):
            return False
        self.creators[organization] = user
        return True

    def _unmap(self, group: str, name: str, organization: str) -> bool:
        """End what is called so, whatever has become of the role since."""
        taken = {pair for pair in self.mappings if pair[0] == group and pair[1][1] == name}
        self.mappings = self.mappings - taken
        return self._is_known(group, organization) and bool(taken)

    def _revoke(self, user: str, name: str, organization: str) -> bool:
        """The same of a grant by hand, of a removed user too."""
        mine = user in self.users and self.users[user].organization == organization
        taken = [pair for pair in self.by_hand if mine and pair[0] == user and pair[1][1] == name]
        for pair in taken:
            del self.by_hand[pair]
        return bool(taken)

    def _expire(self, until: int) -> bool:
        over = {pair for pair, end in self.by_hand.items() if end is not None and end <= until}
        self.by_hand = {pair: end for pair, end in self.by_hand.items() if pair not in over}
        return bool(over)

    def _permission(self, name: str, *, there: bool) -> bool:
        """Permissions come and go, and nobody's roles with them."""
        if there == (name in self.permissions):
            return False
        self.permissions ^= {name}
        return True

    def _create_role(self, said: dict[str, Any], event: Event) -> bool:
        role = (event.organization_id, said["name"])
        if self._is_registered(role) or self._is_registered((None, said["name"])):
            return False
        words = {each: said.get(each) for each in ("display_name", "description", "extends")}
        self._insist(role, event, {"there": True, "protected": said.get("protected", False)} | words)
        return True

    def _update_role(self, said: dict[str, Any], event: Event) -> bool:
        role = (event.organization_id, said["name"])
        if not self._is_registered(role):
            return False
        self._insist(role, event, {each: said[each] for each in ("protected",) if each in said})
        return True

    def _delete_role(self, said: dict[str, Any], event: Event) -> bool:
        role, heir = (event.organization_id, said["name"]), said.get("reassign_to")
        if not self._is_registered(role):
            return False
        if heir is not None:
            successor = self._meant(heir, event.organization_id)
            if successor is None or successor == role:
                return False
            self._hand_over(role, successor)
        elif self._is_in_use(role):
            return False
        self._insist(role, event, {"there": False})
        return True

    def _is_in_use(self, role: RoleId) -> bool:
        tied = {each for _, each in (*self.mappings, *self.by_hand)} | set(self.defaults.values())
        return role in tied or any(role in self._held(user) for user in self.users)

    def _hand_over(self, role: RoleId, successor: RoleId) -> None:
        self.mappings = {(group, successor if each == role else each) for group, each in self.mappings}
        self.defaults = {where: successor if each == role else each for where, each in self.defaults.items()}
        for user in [who for who, each in self.by_hand if each == role]:
            ends = self.by_hand.pop((user, role)), self.by_hand.get((user, successor), 0)
            self.by_hand[user, successor] = None if None in ends else max(end for end in ends if end is not None)

    def _insist(self, role: RoleId, event: Event, words: dict[str, Any]) -> None:
        """An administrator's word is the newest, whatever the directory's clock said."""
        newest = max((word.stamp[0] for word in self.catalogue.get(role, {}).values()), default=0)
        self._say_of_role(role, (max(self.now, newest + 1), event.id), words)

    def _set_mappings(self, said: dict[str, Any], organization: str) -> bool:
        wanted: set[tuple[str, RoleId]] = set()
        for pair in said["mappings"]:
            # What is there may stay, whatever has become of its role.
            if kept := {each for each in self.mappings if (each[0], each[1][1]) == (pair["group_id"], pair["role"])}:
                wanted |= kept
                continue
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
