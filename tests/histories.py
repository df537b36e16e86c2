"""Histories made up by hypothesis: few names and few moments, so that everything meets everything."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, TypeVar

from hypothesis import strategies as st

from schema.commands import (
    Command,
    CreatePermission,
    CreateRole,
    DeletePermission,
    DeleteRole,
    ExpireGrants,
    GrantRole,
    MapGroup,
    Pair,
    RevokeRole,
    SetCreator,
    SetDefaultRoles,
    SetMappings,
    UnmapGroup,
    UpdateRole,
)
from schema.events import Event, from_command, from_webhook
from schema.kinds import Source
from schema.times import format_time
from tests.world import START

T = TypeVar("T")
Sketch = tuple[str, str | None, dict[str, Any]]  # a type, an organization and the data

ORGANIZATIONS = ("acme", "beta")
USERS = {"acme": ("ann", "abe"), "beta": ("bea", "bob")}
GROUPS = {"acme": ("a_eng", "a_ops"), "beta": ("b_eng",)}
ROLES = ("admin", "deployer", "viewer")
EVERYBODY = tuple(user for users in USERS.values() for user in users)
TENANTS = st.sampled_from(ORGANIZATIONS)
SCOPES = st.sampled_from((None, None, *ORGANIZATIONS))
NAMES = st.sampled_from((None, "Old", "New"))


def some(items: Sequence[T]) -> st.SearchStrategy[list[T]]:
    """A subset, in any order."""
    return st.lists(st.sampled_from(items), unique_by=repr, max_size=len(items))


@st.composite
def sketches(draw: st.DrawFn, foreign: bool = False) -> Sketch:
    """One thing a directory says; if `foreign`, it may speak of another organization's users and groups."""
    organization = draw(TENANTS)
    owner = draw(TENANTS) if foreign else organization
    user, group = draw(st.sampled_from(USERS[owner])), draw(st.sampled_from(GROUPS[owner]))
    kind = draw(st.sampled_from("user user user user gone group ungroup organization role directory".split()))
    removed = draw(st.booleans())
    if kind == "user":
        named = some([*GROUPS[owner], *(GROUPS[draw(TENANTS)] if foreign else ())])
        data: dict[str, Any] = {"id": user}
        if draw(st.integers(0, 4)):
            data["groups"] = [{"id": each, "name": draw(NAMES)} for each in draw(named)]
        data["roles"] = draw(st.one_of(st.none(), some([{"role_name": each} for each in (*ROLES, "unknown")])))
        data["active"] = draw(st.sampled_from((None, True, True, False)))
        return "organization.directory.user_updated", organization, data
    if kind == "gone":
        return "organization.directory.user_deleted", organization, {"id": user}
    if kind == "group":
        data = {"id": group, "display_name": draw(NAMES), "directory_id": draw(st.sampled_from((None, "dir_1")))}
        return "organization.directory.group_updated", organization, data
    if kind == "ungroup":
        return "organization.directory.group_deleted", organization, {"id": group}
    if kind == "organization":
        return f"organization.{'deleted' if removed else 'updated'}", organization, {"id": organization}
    if kind == "role":
        scope, name = draw(SCOPES), draw(st.sampled_from(ROLES))
        return f"role.{'deleted' if removed else 'updated'}", scope, {"name": name, "display_name": draw(NAMES)}
    return "organization.directory_enabled", organization, {"id": f"dir_{draw(TENANTS)}"}


@st.composite
def commands(draw: st.DrawFn) -> tuple[Command, str | None]:
    """One thing an administrator asks, and of which organization."""
    organization = draw(TENANTS)
    user, group = draw(st.sampled_from(USERS[organization])), draw(st.sampled_from(GROUPS[organization]))
    role, scope = draw(st.sampled_from(ROLES)), draw(SCOPES)
    pairs = draw(some([Pair(each, name) for each in GROUPS[organization] for name in ROLES]))
    default = draw(st.one_of(st.none(), st.sampled_from(ROLES)))
    end = draw(st.one_of(st.none(), st.integers(START + 3, START + 12)))
    rarely = draw(st.sampled_from((None, None, None, scope)))  # few roles are an organization's own
    options: tuple[Command, ...] = (
        *draw(_of_roles(role, scope, rarely, default)),
        CreatePermission(name="doc:read"),
        DeletePermission(name="doc:read"),
        ExpireGrants(until=START + draw(st.integers(3, 9))),
        MapGroup(group_id=group, role=role),
        MapGroup(group_id=group, role=role),
        UnmapGroup(group_id=group, role=role),
        SetMappings(organization_id=organization, mappings=tuple(pairs)),
        GrantRole(user_id=user, role=role),
        GrantRole(user_id=user, role=role, expires_at=end),
        RevokeRole(user_id=user, role=role),
        SetCreator(organization_id=organization, user_id=user),
    )
    chosen = draw(st.sampled_from(options))
    if isinstance(chosen, CreatePermission | DeletePermission | ExpireGrants):
        return chosen, None
    return chosen, getattr(chosen, "organization_id", organization)


@st.composite
def _of_roles(
    draw: st.DrawFn, role: str, scope: str | None, rarely: str | None, default: str | None
) -> tuple[Command, ...]:
    """What may be asked of the catalogue, for a role that is the environment's or an organization's."""
    return (
        CreateRole(name=role, organization_id=scope, protected=draw(st.booleans())),
        UpdateRole(name=role, organization_id=rarely, protected=draw(st.booleans())),
        DeleteRole(name=role, organization_id=rarely),
        DeleteRole(name=role, organization_id=rarely, reassign_to=default),
        SetDefaultRoles(organization_id=scope, member=default),
        SetDefaultRoles(organization_id=scope, creator=default),
    )


def asked(id: str, command: Command, organization: str | None) -> Event:
    """What a command is in the journal: an administrator's, or the clock's."""
    source = Source.SYSTEM if isinstance(command, ExpireGrants) else Source.ADMIN
    return from_command(id, "tester", command, organization, None, source)


def webhook(id: str, moment: int, sketch: Sketch) -> Event:
    """What a sketch is on the wire, `moment` nanoseconds after START."""
    kind, organization, data = sketch
    envelope: dict[str, Any] = {"id": id, "type": kind, "occurred_at": format_time(START + moment), "data": data}
    if organization is not None:
        envelope["organization_id"] = organization
    return from_webhook(f"msg_{id}", json.dumps(envelope).encode())


@st.composite
def directory_histories(draw: st.DrawFn, foreign: bool = False, largest: int = 14) -> list[Event]:
    """What directories say, in the order of saying; ids are in no order, and several events may share a moment."""
    found = draw(st.lists(st.tuples(sketches(foreign), st.integers(0, 7)), min_size=2, max_size=largest))
    ids = draw(st.permutations(range(len(found))))
    return [webhook(f"evt_{id:02}", moment, sketch) for id, (sketch, moment) in zip(ids, found, strict=True)]


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Directories and administrators, interleaved; some events come twice."""
    said = draw(directory_histories(foreign=False))
    return draw(_mixed(said))


@st.composite
def lawless_histories(draw: st.DrawFn) -> list[Event]:
    """The same, with organizations that speak of one another's users and groups."""
    said = draw(directory_histories(foreign=True))
    return draw(_mixed(said))


@st.composite
def _mixed(draw: st.DrawFn, said: list[Event]) -> list[Event]:
    wanted = [
        asked(f"cmd_{place:02}", command, organization)
        for place, (command, organization) in enumerate(draw(st.lists(commands(), max_size=10)))
    ]
    order = draw(st.permutations([True] * len(said) + [False] * len(wanted)))
    left, right = iter(said), iter(wanted)
    mixed = [next(left) if directory else next(right) for directory in order]
    repeats = draw(st.lists(st.sampled_from(said), max_size=3))
    return mixed + repeats


def batches(draw: Callable[[st.SearchStrategy[Any]], Any], events: Sequence[Event]) -> list[list[Event]]:
    """The events, cut into batches anywhere."""
    cuts = sorted(draw(st.sets(st.integers(1, max(1, len(events) - 1)), max_size=6)))
    edges = [0, *cuts, len(events)]
    return [list(events[start:end]) for start, end in pairwise(edges) if start < end]


def beginning() -> list[Event]:
    """Roles, groups and mappings for a directory's history to play with; older than anything it says."""
    wanted: list[tuple[Command, str | None]] = [(CreateRole(name=name), None) for name in ROLES]
    wanted += [
        (MapGroup(group_id="a_eng", role="deployer"), "acme"),
        (MapGroup(group_id="a_ops", role="deployer"), "acme"),
        (MapGroup(group_id="a_ops", role="admin"), "acme"),
        (MapGroup(group_id="b_eng", role="admin"), "beta"),
        (SetDefaultRoles(member="viewer"), None),
    ]
    groups = [
        webhook(f"evt_0_{group}", 0, ("organization.directory.group_created", organization, {"id": group}))
        for organization, ids in GROUPS.items()
        for group in ids
    ]
    return groups + [
        asked(f"cmd_0_{place:02}", command, organization) for place, (command, organization) in enumerate(wanted)
    ]


def company() -> list[Event]:
    """The beginning, with people in it, a role that is protected and a grant that ends."""
    people: list[Event] = []
    for organization, users in USERS.items():
        for user in users:
            data = {"id": user, "groups": [{"id": GROUPS[organization][0]}]}
            people.append(webhook(f"evt_0_{user}", 0, ("organization.directory.user_created", organization, data)))
    return [
        *beginning(),
        *people,
        asked("cmd_1_0", UpdateRole(name="admin", protected=True), None),
        asked("cmd_1_1", GrantRole(user_id="ann", role="admin", expires_at=START + 8), "acme"),
        asked("cmd_1_2", GrantRole(user_id="bea", role="viewer", expires_at=START + 6), "beta"),
        asked("cmd_1_3", CreatePermission(name="doc:read"), None),
    ]


@st.composite
def new_mappings(draw: st.DrawFn) -> tuple[SetMappings, str]:
    """A whole set of mappings, of an organization that may ask for more than there is."""
    organization = draw(TENANTS)
    pairs = draw(some([Pair(group, role) for group in GROUPS[organization] for role in ROLES]))
    version = draw(st.sampled_from((None, None, None, 3)))
    return SetMappings(organization_id=organization, mappings=tuple(pairs), expected_version=version), organization


def sweep(place: int, until: int) -> Event:
    """The clock ends what was over at a moment."""
    return asked(f"sys_{place:02}", ExpireGrants(until=until), None)
