"""Who may ask what: every field is decided, and every root field answers or refuses each kind of viewer as it should.

What is expected stands here by itself, not in words of `rights.py`; a new root field without a line here fails.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLObjectType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
    is_required_input_field,
)

from schema.commands import CreateApiKey
from schema.graphql.build import build_schema
from schema.graphql.context import Viewer, ViewerKind
from schema.graphql.guarding import guard
from schema.graphql.rights import RIGHTS, Right
from schema.problems import Forbidden
from tests.schema.asker import ROOT, SCHEMA, Asker, as_user, coded, of
from tests.schema.company import company
from tests.world import World

GRAPH = SCHEMA._schema
ROOTS: dict[str, Any] = {
    "query": GRAPH.query_type,
    "mutation": GRAPH.mutation_type,
    "subscription": GRAPH.subscription_type,
}
VIEWERS = {
    "an environment-wide key that reads": Viewer(kind=ViewerKind.API_KEY, actor="key:root", may_write=False),
    "an environment-wide key that writes": ROOT,
    "an organization's key that reads": of("org_acme"),
    "an organization's key that writes": of("org_acme", may_write=True),
    "a user": as_user("ada"),
    "a portal that reads": Viewer(ViewerKind.PORTAL, "portal:1", may_write=False, organization_id="org_acme"),
    "a portal that writes": Viewer(ViewerKind.PORTAL, "portal:1", may_write=True, organization_id="org_acme"),
}
ALL = set(VIEWERS)
WIDE = {"an environment-wide key that reads", "an environment-wide key that writes"}
KEYS = {"an environment-wide key that writes", "an organization's key that writes"}
EDITORS = KEYS | {"a portal that writes"}
MANY = ALL - {"a user"}
MAY = {
    "query": {
        **dict.fromkeys(["viewer", "organization", "user", "group", "event"], ALL),
        **dict.fromkeys(["roles", "role", "permissions", "check"], ALL),
        **dict.fromkeys(["users", "groups", "mappings", "changes", "events", "previewMappings"], MANY),
        "organizations": WIDE,
    },
    "mutation": {
        **dict.fromkeys(["setMappings", "mapGroup", "unmapGroup"], EDITORS),
        **dict.fromkeys(["createRole", "updateRole", "deleteRole", "setDefaultRoles"], KEYS),
        **dict.fromkeys(["grantRole", "revokeRole", "setCreator", "replayEvent"], KEYS),
        **dict.fromkeys(["createApiKey", "revokeApiKey"], KEYS),
        **dict.fromkeys(["createPermission", "deletePermission"], WIDE & KEYS),
    },
    "subscription": {"roleChanges": ALL, "userRoles": ALL, "events": MANY},
}
# Without an organization, where one may be left out: what is asked is of every organization, or of the environment.
MAY_EVERYWHERE = {
    "query": {"roles": ALL, "role": ALL, "events": WIDE},
    "mutation": dict.fromkeys(
        ["createRole", "updateRole", "deleteRole", "setDefaultRoles", "createApiKey"], WIDE & KEYS
    ),
    "subscription": {"roleChanges": WIDE, "events": WIDE},
}
VALUES = {
    "organizationId": "org_acme",
    "userId": "ada",
    "groupId": "eng",
    "role": "viewer",
    "permission": "a:read",
    "mappings": [{"groupId": "eng", "role": "viewer"}],
    "name": "fresh",
    "user.id": "ada",
    "group.id": "eng",
    "event.id": "evt_000007",
    "replayEvent.id": "evt_000007",
    "organization.id": "org_acme",
    "revokeApiKey.id": "key_known",
    "deletePermission.name": "b:write",
    "mapGroup.role": "admin",
    "unmapGroup.role": "admin",
}
CLOSED_TO_A_USER = {
    "Organization": {"users", "groups", "mappings", "changes", "creator", "directories", "warnings"},
    "Group": {"members", "memberCount", "mappings"},
    "Event": {"payload"},
}


OPTIONAL = {"roleChanges": "userId"}  # what is given though it need not be; elsewhere the organization


@pytest.fixture
def acme(world: World) -> World:
    """A company with everything that VALUES names."""
    company(world).joins("ada", "eng")
    return world.send(world.command(CreateApiKey(name="known", organization_id="org_acme", write=False, hash="0" * 64)))


def arguments(world: World, field: str, asked: GraphQLField, *, everywhere: bool) -> dict[str, Any]:
    """The least that the field can be asked with, from its types; with an organization unless `everywhere`."""
    optional = None if everywhere else OPTIONAL.get(field, "organizationId")

    def value(name: str, place: GraphQLArgument | GraphQLInputField) -> Any:
        known = VALUES.get(f"{field}.{name}", VALUES.get(name))
        if known == "key_known":  # nobody can foresee a key's id
            return world.one("SELECT id FROM api_keys WHERE name = 'known'")
        type_ = get_named_type(place.type)
        if known is not None or not isinstance(type_, GraphQLInputObjectType):
            assert known is not None, f"{field}({name}) has no value in this test"
            return known
        return given(type_.fields)

    def given(places: Mapping[str, GraphQLArgument | GraphQLInputField]) -> dict[str, Any]:
        return {name: value(name, place) for name, place in places.items() if required(place) or name == optional}

    return given(asked.args)


def required(place: GraphQLArgument | GraphQLInputField) -> bool:
    return is_required_argument(place) if isinstance(place, GraphQLArgument) else is_required_input_field(place)


def operation(kind: str, field: str, asked: GraphQLField, given: dict[str, Any]) -> str:
    """The field with what is given as variables, and of its answer nothing but the type."""
    declared = ", ".join(f"${name}: {asked.args[name].type}" for name in given)
    used = ", ".join(f"{name}: ${name}" for name in given)
    selected = "" if is_leaf_type(get_named_type(asked.type)) else "{ __typename }"
    return f"{kind} {f'({declared})' if given else ''} {{ {field}{f'({used})' if given else ''} {selected} }}"


async def answered(asker: Asker, kind: str, field: str, viewer: Viewer, given: dict[str, Any]) -> str:
    """`allowed`, or the code of the refusal."""
    text = operation(kind, field, ROOTS[kind].fields[field], given)
    if kind != "subscription":
        result = await asker.answer(text, viewer, **given)
        return coded(result)[0] if result.errors else "allowed"
    followed = await asker.follow(text, viewer, **given)
    refused = followed.next.done() and followed.next.result().errors
    await followed.end()
    return coded(followed.next.result())[0] if refused else "allowed"


def outcomes(
    world: World, viewer: Viewer, expected: dict[str, dict[str, Any]], *, everywhere: bool
) -> dict[str, dict[str, str]]:
    """What each of the fields answers, one after the other in the order expected."""

    async def run() -> dict[str, dict[str, str]]:
        async with Asker(world.database).running() as asker:
            found: dict[str, dict[str, str]] = {}
            for kind, fields in expected.items():
                for field in fields:
                    asked = ROOTS[kind].fields[field]
                    given = await asyncio.to_thread(arguments, world, field, asked, everywhere=everywhere)
                    found.setdefault(kind, {})[field] = await answered(asker, kind, field, viewer, given)
            return found

    return asyncio.run(asyncio.wait_for(run(), 60))


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("everywhere", [False, True], ids=["of an organization", "of everything"])
@pytest.mark.parametrize("name", VIEWERS)
def test_each_root_field_answers_those_who_may_and_forbids_the_rest(acme: World, name: str, everywhere: bool) -> None:
    may = MAY_EVERYWHERE if everywhere else MAY
    expected = {
        kind: {field: "allowed" if name in who else "FORBIDDEN" for field, who in fields.items()}
        for kind, fields in may.items()
    }
    assert outcomes(acme, VIEWERS[name], may, everywhere=everywhere) == expected


def test_every_root_field_is_expected_to_answer_somebody() -> None:
    assert {kind: set(root.fields) for kind, root in ROOTS.items()} == {kind: set(MAY[kind]) for kind in MAY}
    for kind, root in ROOTS.items():
        open_ended = {field for field, asked in root.fields.items() if field in OPTIONAL or leaves_open(asked.args)}
        assert open_ended == set(MAY_EVERYWHERE[kind])


def leaves_open(places: Mapping[str, GraphQLArgument | GraphQLInputField]) -> bool:
    """Whether an organization may be named and need not be."""
    for name, place in places.items():
        type_ = get_named_type(place.type)
        if name == "organizationId" and not required(place):
            return True
        if isinstance(type_, GraphQLInputObjectType) and leaves_open(type_.fields):
            return True
    return False


def test_every_field_is_decided_once_and_nothing_else_is() -> None:
    graph = build_schema()._schema
    objects = [type_ for type_ in graph.type_map.values() if isinstance(type_, GraphQLObjectType)]
    fields = [f"{type_.name}.{field}" for type_ in objects if type_.name[:2] != "__" for field in type_.fields]
    assert len(fields) > 200
    for field in fields:
        entry = field if field in RIGHTS else f"{field.partition('.')[0]}.*"
        with pytest.raises(LookupError, match=r"decided 0 times"):
            guard(graph, {name: right for name, right in RIGHTS.items() if name != entry})
    with pytest.raises(LookupError, match=r"User\.id is decided 2 times"):
        guard(graph, {**RIGHTS, "User.id": Right.ANYONE})
    with pytest.raises(LookupError, match=r"does not have: User\.secret"):
        guard(graph, {**RIGHTS, "User.secret": Right.ANYONE})


def test_a_user_is_kept_from_what_shows_others_before_it_resolves() -> None:
    for type_ in GRAPH.type_map.values():
        if isinstance(type_, GraphQLObjectType) and type_ not in ROOTS.values() and type_.name[:2] != "__":
            closed = {name for name, field in type_.fields.items() if forbidden(field, VIEWERS["a user"])}
            assert closed == CLOSED_TO_A_USER.get(type_.name, set()), type_
            assert not any(forbidden(field, VIEWERS["a portal that reads"]) for field in type_.fields.values())


def forbidden(field: GraphQLField, viewer: Viewer) -> bool:
    """Whether the field refuses the viewer without a look at the object it is of."""
    assert field.resolve is not None
    info: Any = SimpleNamespace(context=SimpleNamespace(viewer=viewer))
    try:
        found = field.resolve(None, info)
    except Forbidden:
        return True
    except (AttributeError, TypeError):  # it went on to an object that is none
        return False
    if inspect.iscoroutine(found):
        found.close()
    return False
