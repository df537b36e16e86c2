"""The front door: each kind of credential to its keeper, and whoever guesses has to wait while others do not."""

from __future__ import annotations

import pytest
from limits.storage import MemoryStorage

from api.access.gate import Gate
from api.access.guesses import PLACES, Guesses
from schema.graphql.context import Credential, KeyInfo, ViewerKind
from schema.problems import TooManyAttempts, Unauthenticated, UnknownCredential
from tests.api.access.doors import ALLOWED, HERE, THERE, Door
from tests.api.access.signers import shared
from tests.processes import KEY
from tests.world import World

pytestmark = pytest.mark.anyio


# ---- who comes in


async def test_keys_and_tokens_come_in_by_one_door(door: Door) -> None:
    assert (await door.shows(KEY)).kind is ViewerKind.API_KEY
    assert (await door.shows(shared())).kind is ViewerKind.USER
    viewer = await door.gate.authenticate(Credential(f" bEARER   {KEY} ", HERE))
    assert (viewer.everywhere, viewer.may_write) == (True, True)


@pytest.mark.parametrize("given", [None, "", " ", "Bearer", "Bearer ", f"Basic {KEY}", KEY, "Bearer\t" + KEY])
async def test_what_is_no_bearer_is_told_how_and_is_no_guess(door: Door, given: str | None) -> None:
    for _ in range(ALLOWED + 1):
        with pytest.raises(Unauthenticated) as refusal:
            await door.gate.authenticate(Credential(given, HERE))
        assert "Authorization: Bearer" in str(refusal.value)
    await door.shows(KEY)


@pytest.mark.parametrize("secret", ["\ud800", "a.b.c", "eyJ.eyJ.x", "ey" * 5000, "a\0b", "é" * 30, ".."])
async def test_nonsense_is_unknown_and_nothing_worse(door: Door, secret: str) -> None:
    assert isinstance(await door.refuses(secret), UnknownCredential)


async def test_without_user_tokens_a_token_is_an_unknown_key(door: Door) -> None:
    gate = Gate(door.keys, None, guesses=ALLOWED)
    with pytest.raises(UnknownCredential):
        await gate.authenticate(Credential(f"Bearer {shared()}", HERE))


# ---- rights end


async def test_a_key_that_is_revoked_is_refused_at_the_next_request_that_knows(door: Door) -> None:
    await door.shows(KEY)
    door.sql("UPDATE api_keys SET revoked_at = 1")
    await door.shows(KEY)  # within two seconds, if nobody told this process
    door.version += 1
    assert str(await door.refuses(KEY)) == "this API key was revoked"


async def test_a_key_that_has_expired_is_refused(door: Door) -> None:
    door.sql(f"UPDATE api_keys SET expires_at = {door.now + 1}")
    await door.shows(KEY)
    door.now += 1
    assert str(await door.refuses(KEY)) == "this API key has expired"


async def test_a_user_who_is_deactivated_is_refused_at_the_next_request_that_knows(door: Door, world: World) -> None:
    await door.shows(shared())
    world.deactivates("ada")
    door.version += 1
    assert str(await door.refuses(shared())) == "this token's user was deactivated"


# ---- guessing


async def test_past_its_guesses_an_address_is_refused_before_any_look_up(door: Door) -> None:
    await door.is_guessed_at()
    looks = []

    async def find(key: str) -> KeyInfo | None:
        looks.append(key)
        return None

    door.keys._found.find = find  # type: ignore[method-assign]
    for secret in ("rk_one_more", KEY, shared(), "eyJ.eyJ.eyJ"):
        refusal = await door.refuses(secret)
        assert isinstance(refusal, TooManyAttempts)
        assert (refusal.code, refusal.status) == ("UNAUTHENTICATED", 429)
        assert 1 <= refusal.retry_after <= 60
        assert str(refusal.retry_after) in str(refusal)
    assert looks == []


async def test_another_address_is_not_held_up(door: Door) -> None:
    await door.is_guessed_at(HERE)
    await door.shows(KEY, THERE)
    await door.shows(shared(), THERE)


async def test_what_was_good_lately_goes_on_working_from_a_locked_address(door: Door) -> None:
    token = shared()
    await door.shows(KEY, THERE)
    await door.shows(token)
    await door.is_guessed_at()
    await door.shows(KEY)
    await door.shows(token)
    door.version += 1
    door.sql("UPDATE api_keys SET revoked_at = 1")
    assert str(await door.refuses(KEY)) == "this API key was revoked"


async def test_bad_signatures_are_guesses(door: Door) -> None:
    for number in range(ALLOWED):
        assert isinstance(
            await door.refuses(shared(f"{number} is not the secret of this place here")), UnknownCredential
        )
    assert isinstance(await door.refuses(KEY), TooManyAttempts)


async def test_what_is_genuine_but_over_is_no_guess(door: Door) -> None:
    door.sql("UPDATE api_keys SET revoked_at = 1")
    for _ in range(ALLOWED + 1):
        for secret in (KEY, shared(exp=1), shared(sub="nobody"), shared(nbf=2**40)):
            assert type(await door.refuses(secret)) is Unauthenticated


async def test_a_live_connection_that_is_looked_at_again_is_no_guess(door: Door) -> None:
    for _ in range(ALLOWED + 1):
        assert isinstance(await door.refuses("rk_gone", None), UnknownCredential)
    await door.is_guessed_at()
    await door.shows(KEY, None)


async def test_one_customers_ipv6_addresses_are_one(door: Door) -> None:
    for number in range(ALLOWED):
        await door.refuses("rk_guess", f"2001:db8:1:2::{number:x}")
    assert isinstance(await door.refuses(KEY, "2001:db8:1:2:ffff::1"), TooManyAttempts)
    await door.shows(shared(), "2001:db8:1:3::1")
    for number in range(ALLOWED):
        await door.refuses("rk_guess", f"::ffff:198.51.100.{number}")
    await door.shows(shared(sub="ada", x=1), "::ffff:198.51.100.9")


@pytest.mark.parametrize("address", ["unknown", "", "fe80::1%eth0", "testclient", "\ud800", "999.1.1.1"])
async def test_an_address_of_any_shape_is_counted(door: Door, address: str) -> None:
    await door.is_guessed_at(address)
    assert isinstance(await door.refuses(KEY, address), TooManyAttempts)


async def test_memory_has_a_bound_whatever_addresses_come() -> None:
    guesses = Guesses(ALLOWED)
    for number in range(3 * PLACES):
        guesses.count(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    storage = guesses._limiter.storage
    assert isinstance(storage, MemoryStorage)
    assert PLACES // 2 < len(storage.storage) <= PLACES
