"""What the root fields find: each asks the viewer, and what is out of sight is answered as what does not exist."""

from __future__ import annotations

from strawberry import ID

from schema.graphql.access import ApiKey, Viewer
from schema.graphql.asking import Ask, parse_key
from schema.graphql.connections import Connection
from schema.graphql.context import KeyInfo
from schema.graphql.inputs import EventFilter
from schema.graphql.objects import Event, Group, Mapping, Organization, Role, User
from schema.graphql.reading.connecting import connected
from schema.graphql.reading.events import events_of
from schema.graphql.reading.groups import groups_of
from schema.graphql.reading.mappings import mappings_of
from schema.graphql.reading.organizations import organizations_of
from schema.graphql.reading.reading import Reading
from schema.graphql.reading.users import users_of
from schema.graphql.scalars import DateTime, moment
from schema.graphql.wanted import Wanted
from schema.problems import NotFound
from schema.queries import journal
from schema.queries.api_keys import KeyRow
from schema.queries.groups import GroupRow, groups_by_id
from schema.queries.horizon import horizon, must_reach
from schema.queries.journal import EventRow, count_of_events, events_at, page_of_events, places_of_event
from schema.queries.mappings import mappings_of_organizations
from schema.queries.organizations import (
    OrganizationRow,
    count_of_organizations,
    organizations_by_id,
    page_of_organizations,
)
from schema.queries.paging import END, Page
from schema.queries.people import UserRow, users_by_id

EVERYWHERE = 0  # the parent of lists that hang on none


def organization_row(reading: Reading, id: str) -> OrganizationRow:
    """The organization of this id; raise NotFound unless it exists and all of it is in sight."""
    rows = organizations_by_id(reading.session, [id]) if reading.viewer.sees_all_of(id) else []
    if not rows:
        raise NotFound("no such organization")
    return rows[0]


def user_row(reading: Reading, id: str) -> UserRow:
    """The user of this id; raise NotFound unless they exist and are in sight."""
    for row in users_by_id(reading.session, [id]):
        if reading.viewer.sees_user(row.id, row.organization_id):
            return row
    raise NotFound("no such user")


def group_row(reading: Reading, id: str) -> GroupRow:
    """The group of this id; raise NotFound unless it exists and is in sight."""
    for row in groups_by_id(reading.session, [id]):
        if reading.viewer.sees_all_of(row.organization_id):
            return row
    raise NotFound("no such group")


def catalogue_key(reading: Reading, id: str | None) -> int | None:
    """The key of the organization whose roles are asked for; every viewer sees its own organization's."""
    if id is None:
        return None
    rows = organizations_by_id(reading.session, [id]) if reading.viewer.sees(id) else []
    if not rows:
        raise NotFound("no such organization")
    return rows[0].key


def find_viewer(reading: Reading, wanted: Wanted) -> Viewer:
    """Who asks, with what they are of."""
    asking = reading.viewer
    viewer = Viewer(kind=asking.kind, may_write=asking.may_write, expires_at=moment(asking.expires_at))
    if "organization" in wanted and asking.organization_id is not None:
        viewer.organization = _organization(reading, asking.organization_id, wanted["organization"])
    if "user" in wanted and asking.user_id is not None:
        viewer.user = find_user(reading, asking.user_id, wanted["user"])
    if "apiKey" in wanted and asking.key is not None:
        viewer.api_key = api_key(reading, asking.key, wanted["apiKey"])
    return viewer


def api_key(reading: Reading, key: KeyInfo | KeyRow, wanted: Wanted) -> ApiKey:
    """An API key, without its secret."""
    home = key.organization_id if "organization" in wanted else None
    return ApiKey(
        id=ID(key.id),
        name=key.name,
        organization=None if home is None else _organization(reading, home, wanted["organization"]),
        write=key.write,
        created_at=DateTime(key.created_at),
        expires_at=moment(key.expires_at),
        last_used_at=moment(key.last_used_at),
        revoked_at=moment(key.revoked_at),
    )


def _organization(reading: Reading, id: str, wanted: Wanted) -> Organization | None:
    rows = organizations_by_id(reading.session, [id])
    return next(iter(organizations_of(reading, rows, wanted).values()), None)


def find_organization(reading: Reading, id: str, wanted: Wanted) -> Organization | None:
    """The organization of this id, a deleted one too."""
    return _organization(reading, id, wanted) if reading.viewer.sees_all_of(id) else None


def find_user(reading: Reading, id: str, wanted: Wanted) -> User | None:
    """The user of this id, a removed one too."""
    rows = [row for row in users_by_id(reading.session, [id]) if reading.viewer.sees_user(id, row.organization_id)]
    return next(iter(users_of(reading, rows, wanted).values()), None)


def find_group(reading: Reading, id: str, wanted: Wanted) -> Group | None:
    """The group of this id, a removed one too."""
    rows = [row for row in groups_by_id(reading.session, [id]) if reading.viewer.sees_all_of(row.organization_id)]
    return next(iter(groups_of(reading, rows, wanted).values()), None)


def list_organizations(reading: Reading, ask: Ask, wanted: Wanted) -> Connection[Organization]:
    """Every organization there is; `ask.where` is the search."""
    after = parse_key(ask.after, default=0)

    def load(rows: list[OrganizationRow], wanted: Wanted) -> list[Organization]:
        return list(organizations_of(reading, rows, wanted).values())

    return connected(
        [EVERYWHERE],
        wanted,
        read=lambda: {
            EVERYWHERE: page_of_organizations(reading.session, after=after, first=ask.first, search=ask.where)
        },
        count=lambda: {EVERYWHERE: count_of_organizations(reading.session, ask.where)},
        load=load,
    )[EVERYWHERE]


def list_mappings(reading: Reading, organization: int, wanted: Wanted) -> list[Mapping]:
    """Every mapping of an organization."""
    return mappings_of(reading, mappings_of_organizations(reading.session, [organization]), wanted)


def list_roles(reading: Reading, organization: int | None, wanted: Wanted) -> list[Role]:
    """The catalogue, most significant first."""
    keys = [(entry.key, organization) for entry in reading.catalogue.roles(organization)]
    roles = reading.load(Role, keys, wanted)
    return [roles[key] for key in keys]


def find_role(reading: Reading, name: str, organization: int | None, wanted: Wanted) -> Role | None:
    """The role that a name means in an organization, or in the environment."""
    entry = reading.catalogue.role(name, organization)
    if entry is None:
        return None
    key = entry.key, organization
    return reading.load(Role, [key], wanted)[key]


def list_events(
    reading: Reading, organization_id: str | None, ask: Ask, filters: EventFilter | None, wanted: Wanted
) -> Connection[Event]:
    """The journal, newest first; raise CursorExpired for a page of what was archived meanwhile."""
    organization = None if organization_id is None else organization_row(reading, organization_id).key
    before, given = parse_key(ask.after, default=END), filters or EventFilter()
    must_reach(before, horizon(reading.session).snapshot)
    where = journal.EventFilter(organization, given.type, given.outcome, given.source)
    selected = wanted["edges"]["node"].merged(wanted["nodes"])

    def page() -> dict[int, Page[EventRow]]:
        payload = "payload" in selected
        return {
            EVERYWHERE: page_of_events(reading.session, before=before, first=ask.first, where=where, payload=payload)
        }

    def load(rows: list[EventRow], wanted: Wanted) -> list[Event]:
        return list(events_of(reading, rows, wanted).values())

    return connected(
        [EVERYWHERE],
        wanted,
        read=page,
        count=lambda: {EVERYWHERE: count_of_events(reading.session, where)},
        load=load,
    )[EVERYWHERE]


def sees_events_of(reading: Reading, home: str | None) -> bool:
    """Whether events of this organization, or with None of the environment, are in the viewer's sight."""
    return reading.viewer.everywhere or reading.viewer.sees_all_of(home)


def find_event(reading: Reading, id: str, wanted: Wanted) -> Event | None:
    """The event of this id; one of the environment is in sight of environment-wide viewers only."""
    places = places_of_event(reading.session, id)
    seen = [position for position, home in places if sees_events_of(reading, home)]
    rows = events_at(reading.session, seen, payload="payload" in wanted)  # of what is unseen no payload is read
    return next(iter(events_of(reading, rows, wanted).values()), None)
