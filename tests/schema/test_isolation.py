"""Nothing crosses organizations: what is another's is answered, to the byte and statement, as what is unknown."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from unittest.mock import patch

import pytest
from sqlmodel import Session

from api.graphql.errors import field_errors
from schema.graphql.context import Viewer
from schema.graphql.rights import RIGHTS, Right
from schema.sql import Statement
from tests.schema.asker import Asker, ask
from tests.schema.crossings import CROSSINGS, CURSORS, ENVIRONMENT, FOLLOWED, PROSE, operation
from tests.schema.openings import openings
from tests.schema.twins import APPLE, twins
from tests.schema.whole import whole
from tests.world import World

NOBODYS = {
    "organization": "org_none",
    "user": "none_ann",
    "group": "none_eng",
    "role": "none_own",
    "search": "nonesuch",
    "event": "evt_999999",
    "key": "key_none",
}
OF_ZEBRA = {
    "organization": "org_zebra",
    "user": "zebra_ann",
    "group": "zebra_eng",
    "role": "zebra_own",
    "search": "zebra",
}
GIVEN: dict[str, str | None] = {
    "Organization.user(id)": '"apple_ann"',
    "User.explain(role)": '"viewer"',
    "User.rolesAt(time)": '"2027-01-01T00:00:00Z"',
}
HIDDEN = {field for field, right in RIGHTS.items() if right is Right.OTHERS}  # of what a user's own token reaches
BY_FIELD = {"replayEvent": "event", "revokeApiKey": "key"}  # what an `id` is of, where the field's name is not the noun


@pytest.fixture
def zebra(world: World) -> World:
    """Zebra, with Apple beside it."""
    return twins(world)[1]


def noun(place: str) -> str:
    """What is named at "Query.users(where.groupId)": a group."""
    field, _, path = place.split(" ")[0].rstrip(")").partition("(")
    last = path.rpartition(".")[2]
    if last == "id":
        name = field.partition(".")[2]
        return BY_FIELD.get(name, name)
    return last if last == "search" else last[:-2] if last.endswith("Id") else "role"


@contextmanager
def counted() -> Iterator[list[str]]:
    """The text of each statement that runs meanwhile, in any thread."""
    found: list[str] = []
    execute = Statement._execute

    def note(statement: Statement, session: Session, values: dict[str, Any]) -> Any:
        found.append(statement.text("sqlite"))
        return execute(statement, session, values)

    with patch.object(Statement, "_execute", note):
        yield found


@asynccontextmanager
async def writing(world: World) -> AsyncIterator[Asker]:
    """The schema with its writer, and a feed that stands still: what it reads is nobody's answer."""
    asker = Asker(world.database)
    await asker.feed.look()
    writer = asyncio.create_task(asker.ingest.run())
    yield asker
    await asker.ingest.stop()
    await writer


async def answer(asker: Asker, text: str, viewer: Viewer) -> str:
    """The whole answer as JSON; of a subscription, the first."""
    if text.startswith("subscription"):
        followed = await asker.follow(text, viewer)
        assert followed.next.done(), text
        result = followed.next.result()
        await followed.end()
    else:
        result = await asker.answer(text, viewer)
    errors = field_errors(result.errors or [])
    assert not any(error["extensions"]["code"] == "INTERNAL" for error in errors), errors
    return json.dumps({"data": result.data, "errors": errors})


def sight_of(world: World) -> str:
    """Everything of Zebra's that an answer can show, but for the end of the log, which is of every organization."""
    selected = whole("Organization", GIVEN | {"Organization.head": None}, 4)
    return json.dumps(ask(world.database, f'{{ organization(id: "org_zebra") {selected} }}'))


def test_every_place_for_an_id_a_name_or_a_cursor_has_a_case() -> None:
    cases = {place.split(" ")[0] for place in CROSSINGS}
    decided = [cases, set(CURSORS), FOLLOWED, ENVIRONMENT, PROSE]
    assert openings() == set().union(*decided)
    assert sum(map(len, decided)) == len(openings())


@pytest.mark.parametrize("who", APPLE)
def test_what_is_anothers_is_answered_as_what_is_unknown_and_changes_nothing(zebra: World, who: str) -> None:
    theirs = OF_ZEBRA | {
        "event": zebra.one("SELECT id FROM journal WHERE id LIKE 'evt_0020%' ORDER BY position DESC LIMIT 1"),
        "key": zebra.one("SELECT id FROM api_keys WHERE organization_id = 'org_zebra'"),
    }

    async def run() -> None:
        async with writing(zebra) as asker:
            for place, asked in CROSSINGS.items():
                answers = []
                for value in (NOBODYS[noun(place)], theirs[noun(place)]):
                    before = await asyncio.to_thread(zebra.tables) if place.startswith("Mutation") else None
                    with counted() as statements:
                        said = await answer(asker, operation(place, asked, json.dumps(value)), APPLE[who])
                    answers.append((said.replace(value, "?"), sorted(statements)))
                    if before is not None and '"errors": []' not in said:
                        assert await asyncio.to_thread(zebra.tables) == before, place
                assert answers[0] == answers[1], place

    seen = sight_of(zebra)
    asyncio.run(asyncio.wait_for(run(), 120))
    assert sight_of(zebra) == seen


@pytest.mark.parametrize("who", APPLE)
def test_nothing_that_a_viewer_reaches_is_of_another_organization(zebra: World, who: str) -> None:
    zebra.send(zebra.event("role.deleted", {"name": "admin"}))  # an event of the environment, which touches both
    viewer = APPLE[who]
    given = GIVEN | (dict.fromkeys(HIDDEN) if viewer.alone else {})
    reached = f"""{{ viewer {whole("Viewer", given, 4)} roles {whole("Role", given, 3)}
        user(id: "apple_ann") {whole("User", given, 4)}
        own: roles(organizationId: "org_apple") {whole("Role", given, 3)} }}"""
    found = json.dumps(ask(zebra.database, reached, viewer)).lower()
    assert "apple_ann" in found
    assert "role.deleted" in found
    assert "zebra" not in found
    assert viewer.alone == ("apple_bob" not in found)
    assert "zebra_bob" in sight_of(zebra)
