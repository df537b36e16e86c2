"""User tokens: whom a genuine one stands for, and which of them are refused all the same."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.access.signatures import SharedSecrets
from api.access.tokens import Tokens
from schema.graphql.context import Credential, Viewer, ViewerKind
from schema.problems import Unauthenticated, UnknownCredential
from schema.queries.accounts import same_address
from tests.api.access.keeping import HS256, here, keeper, raw, refused
from tests.api.access.signers import JWT_SECRET, claims, shared
from tests.world import World

pytestmark = pytest.mark.anyio


# ---- whom a token stands for


async def test_a_token_stands_for_the_user_of_its_sub_until_it_expires(tokens: Tokens) -> None:
    expires = int(time.time()) + 60
    for token in (shared(exp=expires), shared(exp=expires, oid="org_acme"), shared(exp=expires, org_id="org_acme")):
        assert await tokens.authenticate(token) == Viewer(
            kind=ViewerKind.USER,
            actor="user:ada",
            may_write=False,
            organization_id="org_acme",
            user_id="ada",
            expires_at=expires * 10**9,
        )


async def test_failing_sub_the_address_names_the_user_whatever_its_case(tokens: Tokens) -> None:
    for token in (
        shared(sub="auth0|7", email="ada@acme.example"),
        shared(sub=None, email="ADA@ACME.EXAMPLE"),
        shared(sub="auth0|7", email="ada@acme.example", oid="org_acme", email_verified=True),
    ):
        assert (await tokens.authenticate(token)).user_id == "ada"
    assert (await tokens.authenticate(shared(sub="bob", email="ada@acme.example"))).user_id == "bob"


@pytest.mark.parametrize(
    "more",
    [
        {"sub": "nobody"},
        {"sub": None},
        {"sub": None, "email": "nobody@acme.example"},
        {"sub": None, "email": "%"},
        {"sub": None, "email": "ada@acme.example", "email_verified": False},
        {"oid": "org_other"},
        {"oid": "org_acme", "org_id": "org_other"},
        {"sub": None, "email": "ada@acme.example", "oid": "org_other"},
        {"sub": "a\0da"},
        {"sub": "\ud800"},
        {"sub": None, "email": "a\0da"},
        {"sub": ""},
        {"sub": 7},
        {"sub": ["ada"]},
        {"email": {"ada": 1}},
        {"oid": 7},
        {"sub": "a" * 401},
    ],
    ids=str,
)
async def test_a_genuine_token_that_names_nobody_here_is_refused_and_is_no_guess(
    tokens: Tokens, more: dict[str, Any]
) -> None:
    assert not isinstance(await refused(tokens, shared(**more)), UnknownCredential)


async def test_an_address_of_two_users_needs_the_organization(world: World) -> None:
    here(world, "ada")
    here(world, "zoe", email="ADA@acme.example", organization="org_other")
    tokens = keeper(world.database)
    both = await refused(tokens, shared(sub=None, email="ada@acme.example"))
    assert "must name its organization" in str(both)
    for organization, user in (("org_acme", "ada"), ("org_other", "zoe")):
        token = shared(sub=None, email="ada@acme.example", oid=organization)
        assert (await tokens.authenticate(token)).user_id == user
    here(world, "eve", email="ada@acme.example")
    assert "`sub` must be" in str(await refused(tokens, shared(sub=None, email="ada@acme.example", oid="org_acme")))
    here(world, "eve", email="ada@acme.example", active=False)
    assert (await tokens.authenticate(shared(sub=None, email="ada@acme.example", oid="org_acme"))).user_id == "ada"


@pytest.mark.parametrize("end", ["active", "deactivated", "deleted", "organization deleted"])
async def test_a_token_without_organization_makes_nobody_anothers_user(world: World, end: str) -> None:
    here(world, "ada")
    here(world, "zoe", email="ada@acme.example", organization="org_other")
    tokens, token = keeper(world.database), shared(sub="idp|1", email="ada@acme.example")
    if end == "deactivated":
        world.deactivates("ada")
    elif end == "deleted":
        world.leaves("ada")
    elif end == "organization deleted":
        world.send(world.event("organization.deleted", {"id": "org_acme"}))
    refusal = await refused(tokens, token)
    assert "`email` is that of users of several organizations, removed ones included" in str(refusal)
    assert "must name its organization (`oid` or `org_id`)" in str(refusal)
    zoe = shared(sub="idp|1", email="ada@acme.example", oid="org_other")
    assert (await tokens.authenticate(zoe)).user_id == "zoe"
    for sub in ("ada", "zoe"):  # an id is one organization's
        if sub == "zoe" or end == "active":
            assert (await tokens.authenticate(shared(sub=sub))).user_id == sub


async def test_who_is_deactivated_or_deleted_or_whose_organization_is_gone_is_refused(world: World) -> None:
    world.joins("ada").joins("bob")
    here(world, "zoe", organization="org_other")
    tokens = keeper(world.database)
    assert (await tokens.authenticate(shared())).user_id == "ada"
    world.deactivates("ada")
    assert str(await refused(tokens, shared())) == "this token's user was deactivated"
    assert "deactivated" in str(await refused(tokens, shared(sub=None, email="ada@acme.example")))
    world.leaves("bob")
    assert str(await refused(tokens, shared(sub="bob"))) == "this token's user was deleted"
    await tokens.authenticate(shared(sub="zoe"))
    world.send(world.event("organization.deleted", {"id": "org_other"}, organization="org_other"))
    assert "not known" in str(await refused(tokens, shared(sub="zoe")))


@pytest.mark.parametrize(("one", "other", "same"), [("aK", "Ak", True), ("k", "\u212a", False), ("é", "É", False)])
async def test_case_is_that_of_ascii_alone(one: str, other: str, same: bool) -> None:
    assert same_address(f"{one}@x", f"{other}@x") is same


# ---- what is checked of a genuine token


@pytest.mark.parametrize("exp", [0, 1, int(time.time()) - 1], ids=["0", "1", "a moment ago"])
async def test_an_expired_token_says_so_and_is_no_guess(tokens: Tokens, exp: int) -> None:
    refusal = await refused(tokens, shared(exp=exp))
    assert (str(refusal), isinstance(refusal, UnknownCredential)) == ("this token has expired", False)


async def test_a_token_that_was_good_is_refused_from_its_expiry_on(world: World) -> None:
    world.joins("ada")
    now = [time.time_ns()]
    tokens = Tokens(SharedSecrets([JWT_SECRET]), world.database, lambda: now[0], lambda: 1)
    token = shared(exp=now[0] // 10**9 + 60)
    await tokens.authenticate(token)
    now[0] = (now[0] // 10**9 + 60) * 10**9 - 1
    await tokens.authenticate(token)
    now[0] += 1
    assert str(await refused(tokens, token)) == "this token has expired"


ABSENT = '{"sub":"ada"}'


@pytest.mark.parametrize(
    "exp",
    ['"9999999999"', "NaN", "Infinity", "-1", "true", "null", "[9999999999]", "1e999", "9" * 5000],
)
async def test_an_exp_that_is_no_number_of_seconds_is_refused(tokens: Tokens, exp: str) -> None:
    await refused(tokens, raw(HS256, f'{{"sub":"ada","exp":{exp}}}'.encode()))
    await refused(tokens, raw(HS256, ABSENT.encode()))


@pytest.mark.parametrize("exp", [10**30, 1e300])
async def test_an_exp_beyond_all_clocks_is_the_end_of_time(tokens: Tokens, exp: float) -> None:
    viewer = await tokens.authenticate(shared(exp=exp))
    assert viewer.expires_at == 2**63 - 1


async def test_an_exp_may_have_a_fraction(tokens: Tokens) -> None:
    viewer = await tokens.authenticate(shared(exp=9_000_000_000.5))
    assert viewer.expires_at is not None
    assert round(viewer.expires_at / 10**6) == 9_000_000_000_500


async def test_not_before_is_respected_and_a_later_iat_is_not_held_against_a_token(tokens: Tokens) -> None:
    assert "not valid yet" in str(await refused(tokens, shared(nbf=int(time.time()) + 30)))
    await tokens.authenticate(shared(nbf=int(time.time()) - 1, iat=int(time.time()) + 3600, jti=7))


async def test_issuer_and_audience_are_checked_where_they_are_set(world: World) -> None:
    world.joins("ada")
    tokens = keeper(world.database, issuer="https://id.example", audience="rolecast")
    right: dict[str, Any] = {"iss": "https://id.example", "aud": "rolecast"}
    await tokens.authenticate(shared(**right))
    await tokens.authenticate(shared(**right | {"aud": ["other", "rolecast"]}))
    wrong: dict[str, list[Any]] = {
        "iss": ["https://id.example/", None, ["https://id.example"], 7],
        "aud": ["other", "rolecast2", None, [], 7, [7, "rolecast"]],
    }
    for claim, values in wrong.items():
        for value in values:
            token = raw(HS256, json.dumps(claims(**right | {claim: value})).encode())
            assert not isinstance(await refused(tokens, token), UnknownCredential), (claim, value)
    await keeper(world.database).authenticate(shared(**right))


# ---- whatever comes


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
CLAIMS = st.sampled_from("sub email exp nbf iat iss aud oid org_id jti email_verified".split())
PAYLOADS = st.dictionaries(CLAIMS, st.recursive(SCALARS, st.lists, max_leaves=3))


@given(
    token=st.one_of(
        st.text(max_size=80),
        st.from_regex(r"ey[\w-]{0,20}\.[\w-]{0,20}\.[\w-]{0,20}", fullmatch=True),
        st.builds(raw, st.binary(max_size=30), st.binary(max_size=30)),
        st.builds(lambda payload: raw(HS256, json.dumps(payload).encode()), PAYLOADS),
    )
)
async def test_whatever_comes_is_a_viewer_or_unauthenticated(tokens: Tokens, token: str) -> None:
    with suppress(Unauthenticated):
        assert (await tokens.authenticate(token)).kind is ViewerKind.USER


async def test_a_token_is_nowhere_in_what_is_shown(tokens: Tokens) -> None:
    token = shared()
    assert token not in repr(Credential(f"Bearer {token}", "192.0.2.1"))
    assert JWT_SECRET not in repr(await SharedSecrets([JWT_SECRET]).find(None, "HS256"))
