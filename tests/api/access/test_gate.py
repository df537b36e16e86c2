"""The front door: each kind of credential to its keeper, and whoever guesses has to wait while others do not."""

from __future__ import annotations

import time

import pytest

from api.access.counting import Counters
from api.access.gate import Gate
from api.access.guesses import Guesses
from api.access.jwks import KeySet
from api.access.tokens import Tokens
from schema.graphql.context import Credential, KeyInfo, ViewerKind
from schema.problems import TooManyAttempts, Unauthenticated, Unavailable, UnknownCredential
from tests.api.access.doors import ALLOWED, HERE, THERE, Door
from tests.api.access.signers import public_jwk, publishing, shared, signed
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
    for secret in ("rk_one_more", KEY, shared("not the secret of this place, at all"), "eyJ.eyJ.eyJ"):
        refusal = await door.refuses(secret)
        assert isinstance(refusal, TooManyAttempts)
        assert (refusal.code, refusal.status) == ("UNAUTHENTICATED", 429)
        assert 1 <= refusal.retry_after <= 60
        assert str(refusal.retry_after) in str(refusal)
    assert looks == []


async def test_whoever_guesses_behind_a_shared_address_does_not_shut_out_fresh_tokens(door: Door) -> None:
    await door.is_guessed_at()
    for number in range(ALLOWED):
        assert (await door.shows(shared(number=number))).user_id == "ada"
    assert str(await door.refuses(shared(exp=1))) == "this token has expired"


class Rotation:
    """A gate whose key set is fetched by a clock of the test's own, with Ada behind it."""

    def __init__(self, door: Door, url: str) -> None:
        self.door = door
        self.now = 1000.0
        keys = KeySet(url, lambda: self.now)
        tokens = Tokens(keys, door.database, time.time_ns, lambda: 0)
        door.gate = Gate(door.keys, tokens, guesses=ALLOWED)


async def test_a_new_signing_key_locks_nobody_out_however_many_come_before_it_can_be_fetched(door: Door) -> None:
    with publishing(public_jwk("ES256", "old")) as provider:
        rotation = Rotation(door, provider.url)
        await door.shows(signed("ES256", "old"))
        rotation.now += 59
        provider.keys.append(public_jwk("EdDSA", "new"))
        for number in range(3 * ALLOWED):
            with pytest.raises(Unavailable) as refusal:
                await door.shows(signed("EdDSA", "new", number=number))
            assert refusal.value.retry_after == 1
        assert provider.fetches == 1
        await door.shows(signed("ES256", "old", fresh=True))
        await door.shows(KEY)
        rotation.now += 1
        await door.shows(signed("EdDSA", "new"))


async def test_a_key_id_that_the_set_lacks_is_refused_and_is_no_guess(door: Door) -> None:
    with publishing(public_jwk("ES256", "old")) as provider:
        rotation = Rotation(door, provider.url)
        for minute in range(2):
            for _ in range(2 * ALLOWED):
                assert "does not have" in str(await door.refuses(signed("EdDSA", "junk")))
            assert provider.fetches == 1 + minute
            rotation.now += 60
        await door.shows(KEY)


async def test_another_address_is_not_held_up(door: Door) -> None:
    await door.is_guessed_at(HERE)
    await door.shows(KEY, THERE)


async def test_what_was_good_lately_goes_on_working_from_a_locked_address(door: Door) -> None:
    await door.shows(KEY, THERE)
    await door.is_guessed_at()
    await door.shows(KEY)
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
    await door.shows(KEY, "2001:db8:1:3::1")
    for number in range(ALLOWED):
        await door.refuses("rk_guess", f"::ffff:198.51.100.{number}")
    assert isinstance(await door.refuses("rk_guess", "::ffff:198.51.100.9"), UnknownCredential)


@pytest.mark.parametrize("address", ["unknown", "", "fe80::1%eth0", "testclient", "\ud800", "999.1.1.1"])
async def test_an_address_of_any_shape_is_counted(door: Door, address: str) -> None:
    await door.is_guessed_at(address)
    assert isinstance(await door.refuses(KEY, address), TooManyAttempts)


async def test_no_number_of_ipv6_networks_locks_a_stranger_out() -> None:
    guesses = Guesses(1, counted=500)
    for number in range(5_000):
        guesses.count(f"2001:db8:{number:x}::1")
    for number in range(1_000):
        guesses.must_have_some_left(f"192.0.{number >> 8}.{number & 255}")
    with pytest.raises(TooManyAttempts):
        guesses.must_have_some_left("2001:db8:1387::2")  # the last of them is still counted


# ---- counting


async def test_past_their_bound_the_oldest_counts_are_forgotten() -> None:
    counters = Counters(3)
    for key in ("a", "b", "c", "a", "d"):
        counters.incr(key, 60)
    assert {key: counters.get(key) for key in "abcd"} == {"a": 0, "b": 1, "c": 1, "d": 1}
    assert len(counters) == 3


async def test_a_count_ends_with_its_window_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("api.access.counting.time.time", lambda: now[0])
    counters = Counters(100)
    assert [counters.incr("a", 60), counters.incr("a", 60)] == [1, 2]
    now[0] += 30
    assert counters.incr("b", 60) == 1
    assert (counters.get("a"), counters.get_expiry("a")) == (2, 1060)
    now[0] += 30
    assert counters.get("a") == 0
    assert counters.incr("a", 60) == 1
    now[0] += 30
    counters.incr("c", 60)
    assert (counters.get("a"), counters.get("b"), len(counters)) == (1, 0, 2)
    counters.clear("a")
    assert (counters.reset(), len(counters)) == (1, 0)
