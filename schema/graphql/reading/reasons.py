"""Why a role is held now, and why it was held after a change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from strawberry import ID

from schema.graphql.enums import DefaultOf
from schema.graphql.leaves import DefaultRole, ManualGrant
from schema.graphql.objects import Directory, DirectoryAssertion, Group, MappedGroup, Reason
from schema.graphql.reading.reading import Reading
from schema.graphql.scalars import moment
from schema.graphql.wanted import Wanted
from schema.kinds import Kind
from schema.queries.changes import ChangeRow
from schema.queries.groups import groups_by_id
from schema.queries.mappings import MappedGroupRow, mapped_groups
from schema.queries.organizations import directories_of_organizations
from schema.queries.people import GrantRow, HandGrantRow, hand_grants_of_users
from schema.reasons import AssertedBy, ByDefault, ByHand, Mapped, Why, decode_reasons

Held = tuple[int, int]  # user key, role key


def mapping_id(key: int) -> ID:
    """A mapping's wire id."""
    return ID(f"map_{key}")


def held_reasons(
    reading: Reading, grants: Sequence[GrantRow], homes: Mapping[int, int], wanted: Wanted
) -> dict[Held, list[Reason]]:
    """The reasons behind each (user, role) of the grants; `homes` are the users' organizations."""
    reading.budget.reading(len(grants))
    behind = _behind(reading, grants, homes, wanted)
    reasons: dict[Held, list[Reason]] = {}
    for grant in grants:
        reason = _reason(reading, grant, behind, homes)
        reasons.setdefault((grant.user_key, grant.role_key), []).extend([] if reason is None else [reason])
    return reasons


def recorded_reasons(reading: Reading, changes: Sequence[ChangeRow], wanted: Wanted) -> list[list[Reason]]:
    """The reasons that were written down with each change, as they were then."""
    recorded = [decode_reasons(change.reasons) for change in changes]
    reading.budget.reading(sum(map(len, recorded)))
    ids = {why.group for whys in recorded for why in whys if isinstance(why, Mapped)}
    groups: dict[str, Group] = {}
    if "group" in wanted and ids:
        keys = {row.key: row.id for row in groups_by_id(reading.session, list(ids))}
        groups = {keys[key]: group for key, group in reading.load(Group, keys, wanted["group"]).items()}
    asserted = {
        change.organization_key
        for change, whys in zip(changes, recorded, strict=True)
        if any(isinstance(why, AssertedBy) for why in whys)
    }
    directories = _only_directories(reading, asserted, wanted)
    return [
        [_recorded(why, groups, directories.get(change.organization_key)) for why in whys]
        for change, whys in zip(changes, recorded, strict=True)
    ]


def _recorded(why: Why, groups: Mapping[str, Group], directory: Directory | None) -> Reason:
    match why:
        case Mapped(mapping=mapping, group=group, name=name):
            return MappedGroup(
                group_id=ID(group), group_name=name, group=groups.get(group), mapping_id=mapping_id(mapping)
            )
        case AssertedBy(name=name):
            return DirectoryAssertion(directory=directory, asserted=name)
        case ByHand(actor=actor, note=note, expires_at=expires_at):
            return ManualGrant(actor=actor, note=note, expires_at=moment(expires_at))
        case ByDefault(of=of):
            return DefaultRole(of=DefaultOf[of])


class _Behind(NamedTuple):
    """What grants come from: mappings and groups by key, grants by hand by what they give, directories by home."""

    mappings: Mapping[int, MappedGroupRow]
    groups: Mapping[int, Group]
    hands: Mapping[Held, HandGrantRow]
    directories: Mapping[int, Directory]


def _behind(reading: Reading, grants: Sequence[GrantRow], homes: Mapping[int, int], wanted: Wanted) -> _Behind:
    mappings: dict[int, MappedGroupRow] = {}
    if mapped := _unique(grants, Kind.MAPPED, "ref"):
        mappings = {row.mapping_key: row for row in mapped_groups(reading.session, mapped)}
    groups: dict[int, Group] = {}
    if "group" in wanted:
        groups = reading.load(Group, (row.group_key for row in mappings.values()), wanted["group"])
    hands: dict[Held, HandGrantRow] = {}
    if by_hand := _unique(grants, Kind.BY_HAND, "user_key"):
        hands = {(row.user_key, row.role_key): row for row in hand_grants_of_users(reading.session, by_hand)}
    asserted = {homes[user] for user in _unique(grants, Kind.ASSERTED, "user_key")}
    return _Behind(mappings, groups, hands, _only_directories(reading, asserted, wanted))


def _reason(reading: Reading, grant: GrantRow, behind: _Behind, homes: Mapping[int, int]) -> Reason | None:
    match grant.kind:
        case Kind.MAPPED:
            return _mapped(behind.mappings.get(grant.ref), behind.groups)
        case Kind.ASSERTED:
            name = reading.catalogue.entries[grant.role_key].name
            return DirectoryAssertion(directory=behind.directories.get(homes[grant.user_key]), asserted=name)
        case Kind.BY_HAND:
            return _by_hand(behind.hands.get((grant.user_key, grant.role_key)))
        case _:
            return DefaultRole(of=DefaultOf.CREATOR if grant.kind == Kind.CREATOR else DefaultOf.MEMBER)


def _unique(grants: Sequence[GrantRow], kind: Kind, field: str) -> list[int]:
    return list(dict.fromkeys(getattr(grant, field) for grant in grants if grant.kind == kind))


def _mapped(row: MappedGroupRow | None, groups: Mapping[int, Group]) -> MappedGroup | None:
    if row is None:
        return None
    return MappedGroup(
        group_id=ID(row.group_id),
        group_name=row.group_name,
        group=groups.get(row.group_key),
        mapping_id=mapping_id(row.mapping_key),
    )


def _by_hand(row: HandGrantRow | None) -> ManualGrant | None:
    return None if row is None else ManualGrant(actor=row.actor, note=row.note, expires_at=moment(row.expires_at))


def _only_directories(reading: Reading, organizations: set[int], wanted: Wanted) -> dict[int, Directory]:
    """The directory of each organization that has one and no other."""
    if "directory" not in wanted or not organizations:
        return {}
    found: dict[int, list[int]] = {}
    for row in directories_of_organizations(reading.session, list(organizations)):
        found.setdefault(row.organization_key, []).append(row.key)
    only = {organization: keys[0] for organization, keys in found.items() if len(keys) == 1}
    directories = reading.load(Directory, only.values(), wanted["directory"])
    return {organization: directories[key] for organization, key in only.items()}
