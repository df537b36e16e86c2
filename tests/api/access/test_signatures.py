"""Signatures of user tokens: no header, key or trick gets through what no key of ours has signed."""

from __future__ import annotations

import base64
import json

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from api.access.jwks import KeySet
from api.access.signatures import SharedSecrets
from api.access.tokens import LONGEST, Tokens
from schema.problems import UnknownCredential
from tests.api.access.keeping import HS256, keeper, raw, refused
from tests.api.access.signers import JWT_SECRET, claims, private_key, public_jwk, publishing, shared, signed
from tests.world import World

pytestmark = pytest.mark.anyio


async def test_a_token_of_another_secret_is_a_guess(tokens: Tokens) -> None:
    assert isinstance(
        await refused(tokens, shared("another secret of more than 32 bytes, at least")), UnknownCredential
    )
    good = shared()
    assert isinstance(await refused(tokens, good[:-4] + "AAAA"), UnknownCredential)
    head, _, signature = good.split(".")
    body = base64.urlsafe_b64encode(json.dumps(claims(sub="bob")).encode()).rstrip(b"=").decode()
    assert isinstance(await refused(tokens, f"{head}.{body}.{signature}"), UnknownCredential)


@pytest.mark.parametrize(
    "header",
    [
        '{"alg":"none"}',
        '{"alg":"NONE"}',
        '{"alg":""}',
        '{"alg":null}',
        '{"alg":["HS256"]}',
        '{"alg":{"HS256":1}}',
        '{"typ":"JWT"}',
        '{"alg":"HS512"}',
        '{"alg":"RS256"}',
        '{"alg":"HS256","crit":["exp"]}',
        '{"alg":"HS256","crit":[]}',
        '{"alg":"HS256","b64":false,"crit":["b64"]}',
        '{"alg":"HS256","b64":true,"crit":["b64"]}',
        '{"alg":"HS256","kid":7}',
        '{"alg":"HS256","kid":null}',
        '{"alg":"HS256","kid":["a"]}',
        '["HS256"]',
        '"HS256"',
        '{"alg":"HS256"',
        '{"alg":"HS256","x":' + "[" * 3000 + "]" * 3000 + "}",
        '{"alg":"HS256","x":' + "9" * 5000 + "}",
        "\xff",
    ],
    ids=lambda header: header[:40],
)
async def test_no_header_gets_a_token_through(tokens: Tokens, header: str) -> None:
    payload = json.dumps(claims()).encode()
    for secret in (JWT_SECRET.encode(), b""):
        assert isinstance(await refused(tokens, raw(header.encode("latin-1"), payload, secret)), UnknownCredential)
    head = base64.urlsafe_b64encode(header.encode("latin-1")).rstrip(b"=").decode()
    body = base64.urlsafe_b64encode(payload).rstrip(b"=").decode()
    await refused(tokens, f"{head}.{body}.")


@pytest.mark.parametrize("payload", [b"[]", b'"ada"', b"null", b"7", b"{", b"\xff", b"", b"[" * 3000, b'{"sub":"ada"}'])
async def test_a_signed_payload_that_is_no_claims_is_refused(tokens: Tokens, payload: bytes) -> None:
    await refused(tokens, raw(HS256, payload))


async def test_a_huge_token_is_refused_unread(tokens: Tokens) -> None:
    fits = shared(padding="x" * 5000)
    assert len(fits) <= LONGEST
    await tokens.authenticate(fits)
    assert isinstance(await refused(tokens, shared(padding="x" * 9000)), UnknownCredential)


# ---- public keys


@pytest.mark.parametrize("kind", ["RS256", "ES256", "EdDSA"])
async def test_each_kind_of_public_key_verifies_its_own_algorithm_and_no_other(world: World, kind: str) -> None:
    world.joins("ada")
    with publishing(public_jwk(kind, "k1"), {"kty": "oct", "kid": "k2", "k": "c2VjcmV0"}) as provider:
        tokens = keeper(world.database, KeySet(provider.url))
        assert (await tokens.authenticate(signed(kind, "k1"))).user_id == "ada"
        assert (await tokens.authenticate(signed(kind, None))).user_id == "ada"
        pem = private_key(kind).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        der = private_key(kind).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        payload = json.dumps(claims()).encode()
        for secret in (pem, pem.strip(), der, b"secret", b""):
            for id in ("k1", "k2"):
                header = json.dumps({"alg": "HS256", "kid": id}).encode()
                assert isinstance(await refused(tokens, raw(header, payload, secret)), UnknownCredential)
            header = json.dumps({"alg": kind, "kid": "k1"}).encode()
            assert isinstance(await refused(tokens, raw(header, payload, secret)), UnknownCredential)
        for other in {"RS256", "ES256", "EdDSA"} - {kind}:
            assert isinstance(await refused(tokens, signed(other, "k1")), UnknownCredential)


async def test_a_key_of_another_curve_or_hash_is_not_used(world: World) -> None:
    world.joins("ada")
    with publishing(public_jwk("ES384", "k1"), public_jwk("RS256", "k2")) as provider:
        tokens = keeper(world.database, KeySet(provider.url))
        assert isinstance(await refused(tokens, signed("ES384", "k1")), UnknownCredential)
        for algorithm in ("RS512", "PS256"):
            token = jwt.encode(claims(), private_key("RS256"), algorithm=algorithm, headers={"kid": "k2"})
            assert isinstance(await refused(tokens, token), UnknownCredential)
        await tokens.authenticate(signed("RS256", "k2"))


async def test_a_key_that_is_withdrawn_ends_what_it_had_verified(world: World) -> None:
    world.joins("ada")
    now = [0.0]
    with publishing(public_jwk("ES256", "k1"), public_jwk("EdDSA", "k2")) as provider:
        tokens = keeper(world.database, KeySet(provider.url, lambda: now[0]))
        token = signed("ES256", "k1")
        await tokens.authenticate(token)
        provider.keys = provider.keys[1:]
        now[0] = 601
        await tokens.authenticate(signed("EdDSA", "k2"))
        now[0] = 605  # it may not be fetched anew, and need not be
        assert "does not have" in str(await refused(tokens, token))


# ---- shared secrets


async def test_either_of_two_shared_secrets_signs_and_a_third_does_not(world: World) -> None:
    world.joins("ada")
    old, new = "the secret of yesterday, long enough", "the secret of tomorrow, long enough"
    tokens = keeper(world.database, SharedSecrets([new, old]))
    for secret in (old, new):
        assert (await tokens.authenticate(shared(secret))).user_id == "ada"
        assert str(await refused(tokens, shared(secret, exp=1))) == "this token has expired"
    assert isinstance(await refused(tokens, shared("a third secret, which is long enough")), UnknownCredential)
    assert isinstance(await refused(tokens, shared(f"{new} {old}")), UnknownCredential)
