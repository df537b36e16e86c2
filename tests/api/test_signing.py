"""Signatures: what is genuine passes, and everything else is Unauthenticated and nothing else."""

from __future__ import annotations

import base64
import pickle
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.settings import load_settings
from api.signing import Secret, VerifiedDelivery, sign, verify
from schema.problems import Problem, Unauthenticated

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_" + base64.b64encode(b"another secret of 24 byt").decode()
ID, TIME, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def headers(**changed: str) -> dict[str, str]:
    given = {"id": ID, "timestamp": str(TIME), "signature": SIGNATURE} | changed
    return {f"webhook-{name}": value for name, value in given.items()}


def verified(
    body: bytes = BODY, now: float = TIME, secrets: tuple[str, ...] = (SECRET,), **changed: str
) -> VerifiedDelivery:
    return verify([Secret(each) for each in secrets], headers(**changed), body, now=now)


def test_the_published_vector_is_genuine() -> None:
    assert verified() == VerifiedDelivery(ID, TIME, BODY)
    assert sign(SECRET, ID, TIME, BODY) == SIGNATURE


def test_a_secret_may_come_without_its_prefix() -> None:
    assert verified(secrets=(SECRET.removeprefix("whsec_"),)).id == ID


@pytest.mark.parametrize("body", [b'{"test":2432232314}', b'{"test": 2432232314}\n', b'{"test": 2432232314.0}', b""])
def test_the_very_bytes_are_signed(body: bytes) -> None:
    with pytest.raises(Unauthenticated):
        verified(body)


@pytest.mark.parametrize("body", [b'{ "a" :\t1 }', '{"a": "é"}'.encode(), b'{"a": "\\u00e9"}', b"\xff\x00", b""])
def test_spaces_escapes_and_bytes_of_any_kind_are_kept(body: bytes) -> None:
    assert verified(body, signature=sign(SECRET, ID, TIME, body)).body == body


def test_any_of_several_secrets_will_do() -> None:
    assert verified(secrets=(OTHER, SECRET)).id == verified(secrets=(SECRET, OTHER)).id == ID
    with pytest.raises(Unauthenticated):
        verified(secrets=(OTHER,))
    with pytest.raises(Unauthenticated):
        verified(secrets=())


@pytest.mark.parametrize("wrong", [{"id": "msg_other"}, {"timestamp": str(TIME + 1)}, {"id": f"{ID}.{TIME}"}])
def test_the_id_and_the_time_are_signed_too(wrong: dict[str, str]) -> None:
    with pytest.raises(Unauthenticated):
        verify([Secret(SECRET)], headers(**wrong), BODY, now=TIME)


@pytest.mark.parametrize("around", ["v1a,xyz {}", "{} v2,x", "v1,AAAA {} junk", " {}  v1, ", "v1 , , {}", "é,ü {}"])
def test_other_versions_and_junk_beside_a_genuine_signature_are_skipped(around: str) -> None:
    assert verified(signature=around.format(SIGNATURE)).id == ID


GENUINE = SIGNATURE.removeprefix("v1,")
NOT_GENUINE = ["", "v1,", "v1", "v1,=", "v1,é", "v1,\x00", GENUINE, f"v1{GENUINE}", f"v1, {GENUINE}", f"v2,{GENUINE}"]
NOT_GENUINE += [
    f"v1a,{GENUINE}",
    f"v1;{GENUINE}",
    f"V1,{GENUINE}",
    SIGNATURE[:-1],
    SIGNATURE + "=",
    SIGNATURE.lower(),
    f",{SIGNATURE}",
]


@pytest.mark.parametrize("signature", NOT_GENUINE)
def test_what_is_not_the_signature_is_refused(signature: str) -> None:
    with pytest.raises(Unauthenticated):
        verified(signature=signature)


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_all_three_headers_are_needed(missing: str) -> None:
    found = headers()
    del found[missing]
    with pytest.raises(Unauthenticated):
        verify([Secret(SECRET)], found, BODY, now=TIME)


@pytest.mark.parametrize("now", [TIME - 300, TIME - 299.9, TIME, TIME + 300])
def test_five_minutes_either_way_are_near_enough(now: float) -> None:
    assert verified(now=now).timestamp == TIME


@pytest.mark.parametrize("now", [TIME - 300.1, TIME + 300.1, 0.0, 1e12])
def test_more_than_five_minutes_either_way_are_not(now: float) -> None:
    with pytest.raises(Unauthenticated):
        verified(now=now)


FULL_WIDTH, ARABIC = ("".join(chr(zero + int(digit)) for digit in str(TIME)) for zero in (0xFF10, 0x0660))
NO_TIMES = [
    FULL_WIDTH,
    ARABIC,
    "²",
    "+1614265330",
    " 1614265330",
    "1614265330 ",
    "1614265330\n",
    "1_614_265_330",
    "1e9",
]
NO_TIMES += ["1614265330.0", "0x60377f32", "-1614265330", str(10**30), "9" * 10_000, "nan", "inf"]


@pytest.mark.parametrize("timestamp", NO_TIMES, ids=lambda each: each[:20])
def test_only_plain_digits_are_a_timestamp(timestamp: str) -> None:
    with pytest.raises(Unauthenticated):
        verified(timestamp=timestamp)


HEADER = st.text(max_size=40) | st.sampled_from([ID, str(TIME), SIGNATURE])


@given(body=st.binary(max_size=40), junk=st.fixed_dictionaries({}, optional=dict.fromkeys(headers(), HEADER)))
def test_junk_is_unauthenticated_and_nothing_else(body: bytes, junk: dict[str, str]) -> None:
    if (junk, body) == (headers(), BODY):
        return
    with pytest.raises(Unauthenticated):
        verify([Secret(SECRET)], junk, body, now=TIME)


@given(
    id=st.text(st.characters(max_codepoint=255), min_size=1, max_size=30),
    time=st.integers(0, 10**15 - 1),
    body=st.binary(max_size=60),
)
def test_whatever_is_signed_is_genuine(id: str, time: int, body: bytes) -> None:
    given = {"webhook-id": id, "webhook-timestamp": str(time), "webhook-signature": sign(SECRET, id, time, body)}
    assert verify([Secret(SECRET)], given, body, now=time) == VerifiedDelivery(id, time, body)


@pytest.mark.parametrize("text", ["", "whsec_", "whsec_short", "whsec_not base64!!", "whsec_" + "A" * 8, "whsec_é"])
def test_a_bad_secret_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(ValueError, match=r"whsec_|bytes") as refusal:
        Secret(text)
    shown = "".join(traceback.format_exception(refusal.value))
    assert len(text) < 7 or text not in shown


def test_a_secret_shows_itself_nowhere() -> None:
    secret, settings = Secret(SECRET), load_settings(webhook_secrets=f"{SECRET} {OTHER}", api_key=OTHER)
    for shown in (repr(secret), str(secret), f"{secret}", f"{[secret]}", repr(settings), str(settings)):
        assert SECRET not in shown
        assert SECRET.removeprefix("whsec_") not in shown
        assert OTHER not in shown
        assert str(secret.key) not in shown
    assert settings.signing_secrets()[0].key == secret.key


def test_settings_that_are_wrong_do_not_repeat_the_secret() -> None:
    short = "whsec_" + base64.b64encode(b"too short").decode()
    with pytest.raises(Problem, match="webhook") as refusal:
        load_settings(webhook_secrets=short)
    assert short.removeprefix("whsec_") not in "".join(traceback.format_exception(refusal.value))


def test_a_delivery_cannot_be_changed() -> None:
    delivery = verified()
    with pytest.raises(AttributeError):
        delivery.body = b""  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(delivery)) == delivery
