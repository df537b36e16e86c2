"""Bytes become events, whatever the bytes: parsing raises nothing, and leaves nothing that a database would refuse."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema import wire
from schema.events import Event, Ignored, Rejected, from_webhook
from tests.deliveries import ENVELOPE, GROUP, SNAPSHOT


def storable(event: Event) -> bool:
    """Whether every text of the event fits what databases take: UTF-8, no NUL, an id that is not endless."""
    texts = [event.id, event.type, event.organization_id or "", *_texts(msgspec.to_builtins(event.body))]
    whole = all("\0" not in text and text.encode() is not None for text in texts)
    return whole and 1 <= len(event.id) <= 255 and 1 <= len(event.type) <= 255


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for each in value.values() for text in _texts(each)]
    if isinstance(value, list | tuple):
        return [text for each in value for text in _texts(each)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize("text", ["\\", r"\u12", "\udcff"])
def test_text_that_is_no_unicode_is_not_understood(text: str) -> None:
    raw = json.dumps(ENVELOPE).replace("diruser_1", text).encode("utf-8", "surrogateescape")
    event = from_webhook("msg_1", raw)
    assert isinstance(event.body, Rejected)
    assert storable(event)


@pytest.mark.parametrize("depth", [100, 5_000, 200_000])
def test_depth_is_not_understood_or_passed_over(depth: int) -> None:
    for deep in ("[" * depth + "]" * depth, '{"a":' * depth + "1" + "}" * depth):
        raw = json.dumps(ENVELOPE).replace('"Eng"', f'"Eng", "more": {deep}').encode()
        assert storable(from_webhook("msg_1", raw))
        assert storable(from_webhook("msg_1", b'{"id":%s}' % deep.encode()))


@pytest.mark.parametrize("number", ["1e999", "-1e999", "9" * 5_000, "1." + "0" * 5_000, "-0", "1e-999"])
def test_numbers_of_any_size_raise_nothing(number: str) -> None:
    for place in ('"Eng"', '"org_1"', '"evt_1"', '"2026-01-01T00:00:00.123456789Z"', '"admin"', '"1"'):
        event = from_webhook("msg_1", json.dumps(ENVELOPE).replace(place, number).encode())
        assert storable(event)


@given(st.binary(max_size=300))
def test_no_bytes_raise(body: bytes) -> None:
    event = from_webhook("msg_1", body)
    assert isinstance(event.body, Rejected | Ignored)
    assert event.payload == body


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("\0\ud800")
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner)
)


@given(kind=st.sampled_from(sorted(wire.SHAPES)), data=st.data())
def test_no_mutation_of_an_envelope_raises(kind: str, data: st.DataObject) -> None:
    envelope = ENVELOPE | {"type": kind, "data": dict(SNAPSHOT | GROUP | {"name": "admin"})}
    for target in (envelope, envelope["data"], envelope["data"]["groups"][0]):
        for name in data.draw(st.lists(st.sampled_from(sorted(target)), max_size=2, unique=True)):
            target[name] = data.draw(ANYTHING)
    payload = json.dumps(envelope).encode()
    assert storable(from_webhook("msg_1", payload))


@given(st.data())
def test_no_damaged_envelope_raises(data: st.DataObject) -> None:
    payload = bytearray(json.dumps(ENVELOPE).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(payload)))
        payload[at : at + data.draw(st.integers(0, 3))] = data.draw(
            st.binary(max_size=3) | st.sampled_from([b"\\u0000", b"\\", b'"', b"{", b"\\ud83d"])
        )
    assert storable(from_webhook("msg_1", bytes(payload)))
