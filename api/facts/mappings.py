"""Mappings from groups to roles, as administrators set them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from sqlmodel import Session

from api.facts.catalogue import usable_role
from api.facts.groups import MEMBERS
from api.work import Entry, Ledger
from schema.commands import MapGroup, SetMappings, UnmapGroup
from schema.problems import BadInput, Conflict, NotFound
from schema.sql import Statement

Link = tuple[int, int]  # a group's key and a role's

GROUPS = Statement("SELECT id, key, organization_key FROM groups WHERE id IN (SELECT id FROM {ids})", ids="id text")
EXISTING = Statement("SELECT group_key, role_key FROM mappings WHERE organization_key = :organization")
NAMED = Statement("""
    SELECT g.id, r.name, m.group_key, m.role_key
    FROM mappings m CROSS JOIN groups g CROSS JOIN roles r
    WHERE m.organization_key = :organization AND g.key = m.group_key AND r.key = m.role_key""")
ADD = Statement(
    """
    INSERT INTO mappings (key, organization_key, group_key, role_key, created_at, created_by)
    SELECT key, CAST(:organization AS bigint), group_key, role_key, CAST(:now AS bigint), CAST(:actor AS text)
    FROM {rows} r""",
    rows="key bigint, group_key bigint, role_key bigint",
)
REMOVE = Statement(
    "DELETE FROM mappings WHERE (group_key, role_key) IN (SELECT group_key, role_key FROM {rows} r)",
    rows="group_key bigint, role_key bigint",
)
TAKE_KEYS = Statement("UPDATE log SET mappings = mappings + :count RETURNING mappings")
VERSION = Statement("SELECT mappings_version FROM organizations WHERE key = :organization")
NEW_VERSION = Statement("UPDATE organizations SET mappings_version = mappings_version + 1 WHERE key = :organization")


def map_group(session: Session, entry: Entry, ledger: Ledger, command: MapGroup) -> None:
    """Add one mapping; one that is there already stays as it is. NotFound for a group or role that is not there."""
    link = _link(session, entry, command.group_id, command.role)
    _edit(session, entry, ledger, add={link} - _existing(session, entry), remove=set())


def unmap_group(session: Session, entry: Entry, ledger: Ledger, command: UnmapGroup) -> None:
    """Take one mapping away; NotFound if there is none."""
    _groups(session, entry, [command.group_id])
    links = _named(session, entry).get((command.group_id, command.role))
    if not links:
        raise NotFound(f"group {command.group_id} is not mapped to {command.role!r}")
    _edit(session, entry, ledger, add=set(), remove=links)


def set_mappings(session: Session, entry: Entry, ledger: Ledger, command: SetMappings) -> None:
    """Make the organization's mappings exactly these; Conflict if its version is not the expected one."""
    if command.max_revocations is not None and command.max_revocations < 0:
        raise BadInput("maxRevocations cannot be negative")
    version = VERSION.scalars(session, organization=entry.organization_key)[0]
    if command.expected_version is not None and command.expected_version != version:
        raise Conflict(f"the mappings are at version {version}, not {command.expected_version}; read them again")
    known = _groups(session, entry, {pair.group_id for pair in command.mappings})
    named = _named(session, entry)
    fresh = {pair.role for pair in command.mappings if (pair.group_id, pair.role) not in named}
    roles = {name: usable_role(session, name, entry.organization_key).key for name in sorted(fresh)}
    wanted: set[Link] = set()
    for pair in command.mappings:
        wanted |= named.get((pair.group_id, pair.role)) or {(known[pair.group_id], roles[pair.role])}
    existing = _existing(session, entry)
    _edit(session, entry, ledger, add=wanted - existing, remove=existing - wanted)


def check_revocations(entry: Entry, command: SetMappings) -> None:
    """Raise Conflict, once settled, if more roles were revoked than the command allows."""
    if command.max_revocations is not None and entry.revoked > command.max_revocations:
        raise Conflict(
            f"this would revoke {entry.revoked} roles, and {command.max_revocations} are allowed; nothing was changed"
        )


def _named(session: Session, entry: Entry) -> dict[tuple[str, str], set[Link]]:
    """The mappings there are, by group id and role name, whatever has become of the role since."""
    named: defaultdict[tuple[str, str], set[Link]] = defaultdict(set)
    for group, role, *link in NAMED.run(session, organization=entry.organization_key):
        named[group, role].add((link[0], link[1]))
    return dict(named)


def _existing(session: Session, entry: Entry) -> set[Link]:
    return {(row[0], row[1]) for row in EXISTING.run(session, organization=entry.organization_key)}


def _groups(session: Session, entry: Entry, ids: Collection[str]) -> dict[str, int]:
    found = GROUPS.run(session, ids=sorted(ids)) if ids else []
    known = {group: key for group, key, organization in found if organization == entry.organization_key}
    if missing := sorted(set(ids) - known.keys()):
        raise NotFound(f"no such group: {missing[0]}")
    return known


def _link(session: Session, entry: Entry, group: str, role: str) -> Link:
    return _groups(session, entry, [group])[group], usable_role(session, role, entry.organization_key).key


def _edit(session: Session, entry: Entry, ledger: Ledger, *, add: set[Link], remove: set[Link]) -> None:
    """Write the difference, one version further, and touch every member of the groups concerned."""
    if not add and not remove:
        return
    if add:
        last = TAKE_KEYS.scalars(session, count=len(add))[0]
        rows = [(last - len(add) + place, *link) for place, link in enumerate(sorted(add), start=1)]
        ADD.run(session, rows=rows, organization=entry.organization_key, now=ledger.now, actor=entry.event.actor)
    if remove:
        REMOVE.run(session, rows=sorted(remove))
    NEW_VERSION.run(session, organization=entry.organization_key)
    entry.touched = MEMBERS.scalars(session, groups=sorted({group for group, _ in add | remove}))
