"""What a new set of mappings would do: counts, and pages of the changes it would make."""

from __future__ import annotations

import strawberry

from schema.graphql.asking import Ask, Info, parse_key
from schema.graphql.connections import Connection
from schema.graphql.context import Preview
from schema.graphql.enums import RoleChangeKind
from schema.graphql.objects import UNREAD, User
from schema.graphql.reading.connecting import connected
from schema.graphql.reading.read import read
from schema.graphql.reading.reading import Reading
from schema.graphql.wanted import Wanted, wanted_by
from schema.kinds import Turn
from schema.queries.paging import Page

Row = tuple[int, int, int]
ALL = 0  # the one list there is


@strawberry.type(description="A role that a user would gain or lose.")
class PreviewedChange:
    """Nothing of it has happened."""

    user: User = UNREAD
    role_name: str
    kind: RoleChangeKind


@strawberry.type(description="What a new set of mappings would do; quote it in SetMappingsInput.")
class MappingPreview:
    """`version` is for `expectedVersion`, `revoked` for `maxRevocations`."""

    preview: strawberry.Private[Preview]
    version: int
    granted: int
    revoked: int
    users_affected: int

    @strawberry.field(description="Each change it would make.")
    async def changes(self, info: Info, first: int = 50, after: str | None = None) -> Connection[PreviewedChange]:
        ask, wanted = Ask(first, after), wanted_by(info)
        return await read(info.context, lambda reading: _page(reading, self.preview, ask, wanted))


def _page(reading: Reading, preview: Preview, ask: Ask, wanted: Wanted) -> Connection[PreviewedChange]:
    rows, start = preview.rows, parse_key(ask.after, default=0)
    total = len(rows) // 3
    places = range(start, min(start + ask.first, total))
    page: Page[Row] = Page(
        [place + 1 for place in places],
        [(rows[3 * place], rows[3 * place + 1], rows[3 * place + 2]) for place in places],
        start + ask.first < total,
    )

    def load(found: list[Row], wanted: Wanted) -> list[PreviewedChange]:
        users = reading.load(User, (user for user, _, _ in found), wanted["user"]) if "user" in wanted else {}
        return [
            PreviewedChange(
                user=users.get(user, UNREAD),
                role_name=reading.catalogue.entries[role].name,
                kind=RoleChangeKind[Turn(turn).name],
            )
            for user, role, turn in found
        ]

    return connected([ALL], wanted, read=lambda: {ALL: page}, count=lambda: {ALL: total}, load=load)[ALL]
