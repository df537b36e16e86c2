"""Documents that ask for too much: each is told so, and none costs more than its length."""

from __future__ import annotations

import random
import time

import pytest
from graphql import GraphQLError, get_introspection_query, parse
from hypothesis import given
from hypothesis import strategies as st

from api.graphql.complexity import check_document, check_source
from api.graphql.documents import Documents
from api.graphql.errors import RequestError
from api.graphql.limits import Limits
from schema.problems import TooComplex
from tests.api.graphql.bombs import BOMBS, HEAVY, many, pages
from tests.api.graphql.cheap import Refusal, cheap
from tests.api.graphql.throwaway import SCHEMA

pytestmark = pytest.mark.usefixtures("settled")


def refused(source: str, limits: Limits | None = None) -> Refusal:
    """How a document is refused, at no cost."""
    return cheap(lambda: Documents(SCHEMA, limits or Limits()).load(source))


@pytest.mark.parametrize(("measure", "source"), BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_told_the_measure_the_value_and_the_limit_at_no_cost(measure: str, source: str) -> None:
    code, message = refused(source)
    assert (code, message.partition(":")[0]) == ("TOO_COMPLEX", measure.replace("_", " "))
    assert message.endswith(f"the limit is {getattr(Limits(), measure)}")


@pytest.mark.parametrize("source", HEAVY.values(), ids=HEAVY)
def test_the_worst_that_passes_the_limits_is_still_cheap_to_validate(source: str) -> None:
    cheap(lambda: Documents(SCHEMA, Limits()).load(source))


@pytest.mark.parametrize(
    "source",
    [
        get_introspection_query(),
        get_introspection_query(specified_by_url=True, directive_is_repeatable=True, schema_description=True,
                                input_value_deprecation=True),
        pages(200, 50),
        pages(50, 200),
        "{people{nodes{" + many(30, "...F#") + "}}}" + many(30, "fragment F# on Person { name }"),
        "{people{nodes{" + many(10, "...A#") + "}}}"
        + many(10, "fragment A# on Person {name friends(first:2){...B#}}")
        + many(10, "fragment B# on People {nodes{name teams{...C#}}}")
        + many(10, "fragment C# on Person {name}"),
        "{ people(first: 100) { ...P } } fragment P on People { nodes { name } }",
        "{ hello @include(if: true) } # comment",
    ],
    ids=lambda source: source[:30],
)  # fmt: skip
def test_what_people_and_their_tools_ask_passes(source: str) -> None:
    assert Documents(SCHEMA, Limits()).load(source).operation(None)


def test_what_a_refusal_repeats_is_cut() -> None:
    documents = Documents(SCHEMA, Limits())
    with pytest.raises(RequestError) as error:
        documents.load("{ " + "x" * 90_000 + " }")
    assert len(error.value.errors[0]["message"]) < 600


def test_nodes_count_pages_and_lists_and_the_page_of_a_page_once() -> None:
    def nodes(source: str) -> int:
        with pytest.raises(TooComplex) as error:
            check_document(parse(source), SCHEMA._schema, Limits(nodes=0))
        return int(str(error.value).split("has ")[1].split(",")[0])

    assert nodes("{ people(first: 3) { nodes { name } } }") == 1 + 3
    assert nodes("{ people { nodes { name } } }") == 1 + 50
    assert nodes("query ($n: Int) { people(first: $n) { nodes { name } } }") == 1 + 200
    assert nodes("{ people(first: 3) { nodes { teams { name } } } }") == 1 + 3 + 3 * 10
    assert nodes("{ people(first: 3) { ...P } } fragment P on People { nodes { name } }") == 1 + 3
    assert nodes("{ people(first: 3) { ... { ...P } } } fragment P on People { ... { nodes { name } } }") == 1 + 3


@given(st.text(alphabet='{}()[]"\\#\n a1$@:.!&|=é', max_size=60))
def test_no_source_makes_the_measuring_fail(source: str) -> None:
    check_source(source, Limits())
    try:
        document = parse(source)
    except GraphQLError:
        return
    check_document(document, SCHEMA._schema, Limits())


@pytest.mark.parametrize("seed", range(20))
def test_measuring_a_source_is_linear(seed: int) -> None:
    chaos = random.Random(seed)
    pieces = ['"', '"""', "\\", '\\"""', "\n", "{", "}", "a", "#", " ", "...", "7.e"]
    limits = Limits(characters=10**9, tokens=10**9, nesting=10**9)
    source = "".join(chaos.choices(pieces, k=3)) * 30_000
    started = time.process_time()
    check_source(source, limits)
    assert time.process_time() - started < 0.5
