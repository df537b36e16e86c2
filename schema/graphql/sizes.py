"""How many objects a list without `first` is taken to hold, before anything is read; what it does hold counts then."""

from __future__ import annotations

from collections.abc import Mapping

# Of a company's directory as bench/company.py makes them, rounded up: a user is in few groups and holds few roles. An
# event of the directory causes a change or two; an edit of mappings up to the 1000 that are shown, each a user's.
LISTS: Mapping[str, int] = {
    "Event.changes": 100,
    "Explanation.reasons": 2,
    "Group.mappings": 3,
    "HeldRole.reasons": 2,
    "Organization.directories": 1,
    "Organization.mappings": 50,
    "Query.mappings": 50,
    "RoleChange.reasons": 2,
    "User.groups": 5,
    "User.roles": 3,
    "User.rolesAt": 3,
}
OTHERS = 10
