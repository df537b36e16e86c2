"""The cache of documents: what it keeps, what it drops, and that a refusal stays one."""

from __future__ import annotations

from typing import Any

import pytest

from api.graphql import documents
from api.graphql.documents import Documents
from api.graphql.errors import RequestError
from api.graphql.limits import Limits
from tests.api.graphql.throwaway import SCHEMA


@pytest.fixture
def examined(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The sources that were looked at, in order."""
    sources: list[str] = []
    original = Documents._examine

    def spy(self: Documents, source: str, *worded: Any) -> Any:
        sources.append(source)
        return original(self, source, *worded)

    monkeypatch.setattr(documents.Documents, "_examine", spy)
    return sources


def hello(name: str) -> str:
    return f'{{ hello(name: "{name}") }}'


def test_a_document_is_looked_at_once(examined: list[str]) -> None:
    cache = Documents(SCHEMA, Limits())
    assert cache.load("{ hello }") is cache.load("{ hello }")
    assert examined == ["{ hello }"]


@pytest.mark.parametrize("source", ["{", "{ nothing }", "{" * 500, "fragment A on Query { hello }"])
def test_a_refused_document_is_looked_at_once_and_refused_every_time(source: str, examined: list[str]) -> None:
    cache = Documents(SCHEMA, Limits())
    answers = []
    for _ in range(3):
        with pytest.raises(RequestError) as error:
            cache.load(source)
        answers.append(error.value.errors)
    assert examined == [source]
    assert answers[0] == answers[1] == answers[2]


def test_the_least_recently_used_document_is_dropped(examined: list[str]) -> None:
    cache = Documents(SCHEMA, Limits(cached_documents=2))
    for name in ("a", "b", "a", "c", "a", "b"):
        cache.load(hello(name))
    assert examined == [hello("a"), hello("b"), hello("c"), hello("b")]


def test_sources_are_bounded_by_their_total_length(examined: list[str]) -> None:
    cache = Documents(SCHEMA, Limits(cached_characters=2_500))
    for name in ("a", "b", "c"):
        cache.load(hello(name * 1_000))
    assert cache._good.length == sum(len(source) for source in cache._good.entries) <= 2_500
    cache.load(hello("c" * 1_000))
    cache.load(hello("a" * 1_000))
    assert [source[15] for source in examined] == ["a", "b", "c", "a"]


def test_a_document_longer_than_the_cache_still_runs() -> None:
    cache = Documents(SCHEMA, Limits(cached_characters=10))
    assert cache.load(hello("ada")).operation(None)
    assert (cache._good.length, len(cache._good.entries)) == (0, 0)


def test_documents_above_the_length_limit_are_not_kept() -> None:
    cache = Documents(SCHEMA, Limits(characters=10))
    with pytest.raises(RequestError):
        cache.load(hello("ada"))
    assert cache._refused.length == 0


def test_nonsense_pushes_out_no_good_document(examined: list[str]) -> None:
    cache = Documents(SCHEMA, Limits(cached_documents=5, cached_refusals=3))
    cache.load("{ hello }")
    for number in range(50):
        with pytest.raises(RequestError):
            cache.load(f"{{ nothing{number} }}")
    assert len(cache._refused.entries) == 3
    del examined[:]
    cache.load("{ hello }")
    assert examined == []


def test_refusals_are_bounded_by_their_total_length(examined: list[str]) -> None:
    cache = Documents(SCHEMA, Limits(cached_refused_characters=2_500))
    for letter in "abcd":
        with pytest.raises(RequestError):
            cache.load("{ " + letter * 1_000)
    assert cache._refused.length == sum(len(source) for source in cache._refused.entries) <= 2_500
