"""The limits on the product's own contract: whose types refer to each other more than the throw-away schema's."""

from __future__ import annotations

import pytest

from api.graphql.documents import Documents
from api.graphql.limits import Limits
from schema.graphql.build import build_schema
from tests.api.graphql.bombs import many
from tests.api.graphql.cheap import cheap

pytestmark = pytest.mark.usefixtures("settled")
PRODUCT = build_schema()


def role(inner: str) -> str:
    return f'{{ role(name: "a") {{ {inner} }} }}'


def twice(levels: int) -> str:
    """2 to the power of `levels` of one name, each level twice."""
    inner = "name"
    for _ in range(levels):
        inner = f"extends {{ {inner} }} " * 2
    return inner


REPEATS = {
    "20 times 16": "{" + ("organization(id: 1) {" + "defaultMemberRole { extends { name } } " * 16 + "} ") * 20 + "}",
    "20 times 20": "{" + ("viewer {" + "user { id } " * 20 + "} ") * 20 + "}",
    "nine levels of twice": role(twice(8)),
    "200 of one": role("name " * 200),
    "90 fragments of one": role(many(90, "...F#")) + many(90, "fragment F# on Role { name priority protected }"),
}


@pytest.mark.parametrize("source", REPEATS.values(), ids=REPEATS)
def test_what_would_take_long_to_compare_is_told_so(source: str) -> None:
    code, message = cheap(
        lambda: Documents(PRODUCT, Limits()).load(source), within=0.25
    )  # 60 ms alone, much of it fresh memory
    assert (code, message.partition(":")[0]) == ("TOO_COMPLEX", "comparisons")
    assert message.endswith(f"the limit is {Limits().comparisons}")


def test_many_components_may_ask_for_the_same_at_several_levels() -> None:
    source = "query ($id: ID!) { organization(id: $id) {" + many(10, "...O#") + "} }"
    source += many(10, "fragment O# on Organization { id displayName creator { ...U# } }")
    source += many(10, "fragment U# on User { id name roles { ...H# } }")
    source += many(10, "fragment H# on HeldRole { since role { name displayName } }")
    assert Documents(PRODUCT, Limits()).load(source).operation(None)
    source = role(many(60, "...F#")) + many(60, "fragment F# on Role { name displayName }")
    assert Documents(PRODUCT, Limits()).load(source).operation(None)


@pytest.mark.parametrize(
    ("source", "accepted"),
    [
        ("{ event(id: 1) { changes { event { changes { event { changes { kind } } } } } } }", False),
        ("{ events { nodes { changes { kind user { id } role { name } } } } }", True),
        ("{ mappings(organizationId: 1) { group { mappings { group { mappings { role { name } } } } } } }", True),
        (
            """{ users(organizationId: 1, first: 200) { pageInfo { endCursor } nodes { id groups { id displayName }
            permissions { name } roles { role { name permissions { name } } reasons { __typename
            ... on MappedGroup { group { id } } } } } } }""",
            True,
        ),
        ("{ users(organizationId: 1, first: 150) { nodes { changes(first: 100) { nodes { kind } } } } }", True),
    ],
)
def test_lists_without_first_weigh_what_they_may_hold(source: str, accepted: bool) -> None:
    code, message = cheap(lambda: Documents(PRODUCT, Limits()).load(source))
    assert (code, message.partition(":")[0]) == (("", "") if accepted else ("TOO_COMPLEX", "nodes"))
