"""The key set: fetched when needed and not more often, kept through bad hours, and never trusted blindly."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from typing import Any

import pytest
from jwt.algorithms import ECAlgorithm

from api.access.jwks import LARGEST, KeySet
from api.access.signatures import signing_key
from schema.problems import Unauthenticated, Unavailable
from tests.api.access.signers import Json, private_key, public_jwk, publishing

pytestmark = pytest.mark.anyio


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


K1, K2 = public_jwk("ES256", "k1"), public_jwk("EdDSA", "k2")


async def finds(keys: KeySet, id: str | None, algorithm: str = "ES256") -> bool:
    return bool(await keys.find(id, algorithm))


async def test_it_is_fetched_once_for_everybody_and_again_after_ten_minutes() -> None:
    clock = Clock()
    with publishing(K1) as provider:
        provider.delay = 0.1
        keys = KeySet(provider.url, clock)
        assert provider.fetches == 0
        assert all(await asyncio.gather(*(finds(keys, "k1") for _ in range(50))))
        clock.now += 599
        assert await finds(keys, "k1")
        assert provider.fetches == 1
        clock.now += 2
        provider.keys = [K2]
        asked = [keys.find("k1", "ES256") for _ in range(50)]
        assert {type(each) for each in await asyncio.gather(*asked, return_exceptions=True)} == {Unauthenticated}
        assert provider.fetches == 2


async def test_an_unknown_key_has_it_fetched_at_most_once_a_minute() -> None:
    clock = Clock()
    with publishing(K1) as provider:
        keys = KeySet(provider.url, clock)
        assert await finds(keys, "k1")
        provider.keys = [K1, K2]
        clock.now += 59
        for number in range(50):
            with pytest.raises(Unavailable) as refusal:
                await keys.find(f"x{number}", "EdDSA")
            assert refusal.value.retry_after == 1
        assert provider.fetches == 1
        clock.now += 2
        assert all(await asyncio.gather(*(finds(keys, "k2", "EdDSA") for _ in range(50))))
        assert provider.fetches == 2
        clock.now += 1
        with pytest.raises(Unavailable):
            await keys.find("x1", "EdDSA")
        assert not await finds(keys, "x2", "HS256")
        assert provider.fetches == 2


async def test_an_unknown_key_is_refused_once_the_set_was_fetched_for_it() -> None:
    clock = Clock()
    with publishing(K1) as provider:
        keys = KeySet(provider.url, clock)
        assert await finds(keys, "k1")
        clock.now += 60
        asked = [keys.find("late", "EdDSA") for _ in range(20)]
        assert {type(each) for each in await asyncio.gather(*asked, return_exceptions=True)} == {Unauthenticated}
        with pytest.raises(Unauthenticated):
            await keys.find("late", "EdDSA")
        assert provider.fetches == 2
        provider.keys = [K1, public_jwk("EdDSA", "late")]
        clock.now += 60
        assert await finds(keys, "late", "EdDSA")


async def test_nobody_can_tell_of_an_unknown_key_while_the_set_cannot_be_fetched() -> None:
    clock = Clock()
    with publishing(K1) as provider:
        keys = KeySet(provider.url, clock)
        assert await finds(keys, "k1")
        provider.status = 503
        clock.now += 60
        with pytest.raises(Unavailable) as refusal:
            await keys.find("k2", "EdDSA")
        assert refusal.value.retry_after == 60
        assert provider.fetches == 2


async def test_who_goes_away_does_not_end_the_fetch_of_the_others() -> None:
    with publishing(K1) as provider:
        provider.delay = 0.2
        keys = KeySet(provider.url)
        first, second = (asyncio.create_task(finds(keys, "k1")) for _ in range(2))
        await asyncio.sleep(0.05)
        first.cancel()
        assert await second
        assert provider.fetches == 1


async def test_old_keys_outlive_a_provider_that_fails_by_an_hour_at_most() -> None:
    clock = Clock()
    with publishing(K1) as provider:
        keys = KeySet(provider.url, clock)
        assert await finds(keys, "k1")
        generation = keys.generation
        provider.status = 503
        for minutes in range(11, 60, 2):
            clock.now = 1000 + minutes * 60
            assert await finds(keys, "k1")
        assert keys.generation == generation
        assert provider.fetches == 1 + len(range(11, 60, 2))
        clock.now = 1000 + 3601
        with pytest.raises(Unavailable):
            await keys.find("k1", "ES256")
        assert keys.generation == generation + 1  # what was verified by them is no longer so
        provider.status = 200
        clock.now += 6
        assert await finds(keys, "k1")


ANSWERS: dict[str, Json] = {
    "status 500": {"status": 500},
    "a redirect": {"status": 302, "headers": {"Location": "/elsewhere"}},
    "no JSON": {"body": b"<html>"},
    "no text": {"body": b"\xff\xfe"},
    "deep JSON": {"body": b"[" * 100_000},
    "a list": {"body": b"[]"},
    "no keys": {"body": b"{}"},
    "keys that are no list": {"body": b'{"keys": {"a": 1}}'},
    "no key": {"body": b'{"keys": []}'},
    "too many keys": {"keys": [K1] * 101},
    "too many bytes": {"keys": [K1 | {"x5c": "x" * LARGEST}]},
    "no usable key": {"keys": [7, None, [], {}, {"kty": "EC"}, {"kty": ["EC"], "crv": {}}]},
    "an empty body": {"body": b""},
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
async def test_without_any_keys_nobody_can_tell_and_the_url_stays_in_the_log(
    answer: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    caplog.set_level(logging.ERROR)
    with publishing(K1) as provider:
        for name, value in answer.items():
            setattr(provider, name, value)
        keys = KeySet(provider.url, clock)
        for _ in range(5):
            with pytest.raises(Unavailable) as refusal:
                await keys.find("k1", "ES256")
            assert "127.0.0.1" not in str(refusal.value)
        assert provider.fetches == 1
        clock.now += 6
        with contextlib.suppress(Unavailable):
            await keys.find("k1", "ES256")
        assert provider.fetches == 2
    assert not caplog.records


async def test_a_provider_that_is_not_there_is_unavailable() -> None:
    with publishing(K1) as provider:
        url = provider.url
    with pytest.raises(Unavailable):
        await KeySet(url).find("k1", "ES256")


async def test_a_token_without_key_id_needs_the_only_key_of_its_kind() -> None:
    with publishing(K1, K2, public_jwk("RS256", "r1"), public_jwk("RS256", "r2")) as provider:
        keys = KeySet(provider.url)
        assert await finds(keys, None, "ES256")
        assert await finds(keys, None, "EdDSA")
        assert not await finds(keys, None, "RS256")
        assert not await finds(keys, None, "HS256")
        assert await finds(keys, "r1", "RS256")
        assert not await finds(keys, "k1", "RS256")
        assert provider.fetches == 1


async def test_two_keys_of_one_id_are_told_apart_by_their_kind_alone() -> None:
    with publishing(K1, public_jwk("EdDSA", "k1"), public_jwk("RS256", "r"), public_jwk("RS256", "r")) as provider:
        keys = KeySet(provider.url)
        assert await finds(keys, "k1", "ES256")
        assert await finds(keys, "k1", "EdDSA")
        assert not await finds(keys, "r", "RS256")


SECRET_HALF = ECAlgorithm.to_jwk(private_key("ES256"), as_dict=True)
UNUSABLE: dict[str, Any] = {
    "a shared secret": {"kty": "oct", "kid": "k", "k": "c2VjcmV0"},
    "for encryption": public_jwk("RS256", "k", use="enc"),
    "of another algorithm": public_jwk("RS256", "k", alg="RSA-OAEP"),
    "of a weaker use of it": public_jwk("RS256", "k", alg="RS512"),
    "for signing alone": public_jwk("RS256", "k", key_ops=["sign"]),
    "with odd operations": public_jwk("RS256", "k", key_ops="verify"),
    "with its private half": {name: value for name, value in SECRET_HALF.items() if name != "key_ops"},
    "of another curve": public_jwk("ES384", "k"),
    "of a curve that is no word": public_jwk("ES256", "k") | {"crv": ["P-256"]},
    "with an id that is no word": public_jwk("ES256", "k") | {"kid": 7},
    "not on its curve": public_jwk("ES256", "k") | {"x": "AAAA", "y": "AAAA"},
    "of nonsense": public_jwk("RS256", "k") | {"n": "!", "e": 7},
    "too short": public_jwk("RS256", "k") | {"n": public_jwk("RS256", "k")["n"][:170]},
}


@pytest.mark.parametrize("jwk", UNUSABLE.values(), ids=UNUSABLE)
async def test_a_key_that_is_not_for_our_signatures_is_not_used(jwk: Any) -> None:
    assert signing_key(jwk) is None


@pytest.mark.parametrize("kind", ["RS256", "ES256", "EdDSA"])
async def test_a_key_that_says_what_it_is_for_is_used(kind: str) -> None:
    key = signing_key(public_jwk(kind, "k", use="sig", alg=kind, key_ops=["verify"]))
    assert key is not None
    assert key.algorithm == kind
    assert json.dumps(public_jwk(kind, "k"))[20:40] not in repr(key)
    assert key.key.public_bytes_raw() == private_key(kind).public_key().public_bytes_raw() if kind == "EdDSA" else True
