"""Documents that ask for too much: each is told so, and none costs more than its length."""

from __future__ import annotations

import gc
import json
import random
import time
from collections.abc import Callable, Iterator

import pytest
from graphql import GraphQLError, get_introspection_query, parse
from hypothesis import given
from hypothesis import strategies as st

from api.graphql.complexity import check_document, check_source
from api.graphql.documents import Documents
from api.graphql.engine import Engine
from api.graphql.errors import RequestError
from api.graphql.limits import Limits
from api.graphql.wire import GraphQLRequest, decode
from schema.graphql.build import build_schema
from schema.problems import BadInput, TooComplex
from tests.api.graphql.clients import socket
from tests.api.graphql.throwaway import SCHEMA, World

CPU_SECONDS = 0.1
PRODUCT = build_schema()


def fragment_bomb(levels: int, alias: str = "a") -> str:
    """2 to the power of `levels`, in a few hundred bytes."""
    links = " ".join(f"fragment F{n} on Query {{ {alias}: hello ...F{n + 1} ...F{n + 1} }}" for n in range(levels))
    return f"{{ ...F0 }} {links} fragment F{levels} on Query {{ hello }}"


def pages(*first: object) -> str:
    """People, their friends, the friends' friends: one page for each argument."""
    arguments = [f"(first: {count})" if count else "" for count in first]
    inner = "".join(f"friends{argument} {{ nodes {{ " for argument in arguments[1:])
    return f"{{ people{arguments[0]} {{ nodes {{ {inner} name " + "}}" * len(first) + "}"


def many(count: int, text: str) -> str:
    """The text so many times, `#` in it replaced by 0, 1, 2…"""
    return " ".join(text.replace("#", str(number)) for number in range(count))


def chain(length: int) -> str:
    links = "".join(f" fragment F{n} on Query {{ ...F{n + 1} }}" for n in range(length))
    return "{ ...F0 }" + links + f" fragment F{length} on Query {{ hello }}"


FRIENDS = "{ ...P } fragment P on Query { people(first: 200) { ...Q } } "
FRIENDS += "fragment Q on People { nodes { friends(first: 200) { ...R } } } "
FRIENDS += "fragment R on People { nodes { friends(first: 200) { nodes { name } } } }"
DEEP = "{ ...A } fragment A on Query { people(first: 1) { nodes { ...B } } } "
DEEP += "fragment B on Person { " + "friends(first: 1) { nodes { " * 7 + "name" + " }" * 15


REPEATING = many(90, "fragment F# on Person { " + "name " * 9 + "}")
ALIASED = " fragment A on Query { a: __typename b: __typename c: __typename }"
ALIASED_NODES = " fragment A on People { a: nodes { name } b: nodes { name } c: nodes { name } }"
G = " fragment G on Query { hello }"
INWARD = "{ fields { type " * 5 + "{ name }" + "}}" * 5

BOMBS: dict[str, tuple[str, str]] = {
    "a fragment bomb of 2^20": ("aliases", fragment_bomb(20)),
    "a fragment bomb of 2^90": ("aliases", fragment_bomb(90)),
    "an alias bomb in fragments": ("aliases", "{ people { " + "...A " * 19 + "} }" + ALIASED_NODES),
    "5,000 repeats of a field": ("tokens", "{" + " hello" * 5_000 + "}"),
    "4,900 repeats of a field": ("fields", "{" + " hello" * 4_900 + "}"),
    "900 repeats of a field": ("root_fields", "{" + " hello" * 900 + "}"),
    "repeats of a field in fragments": ("root_fields", "{" + "...A " * 30 + "} fragment A on Query { hello }"),
    "900 repeats within a field": ("comparisons", "{people{nodes{" + " name" * 900 + "}}}"),
    "20 times 20 repeats": ("comparisons", "{" + ("people(first:1){" + "nodes{name}" * 20 + "}") * 20 + "}"),
    "20 times 16 repeats": ("comparisons", "{" + ("people(first:1){" + "nodes{teams{name}}" * 16 + "}") * 20 + "}"),
    "repeats in 90 fragments": ("comparisons", "{people{nodes{" + many(90, "...F#") + "}}}" + REPEATING),
    "1,000 directives": ("directives", "{ hello" + " @skip(if: false)" * 700 + "}"),
    "1,000 directives on the operation": ("directives", "query" + " @a" * 1_000 + "{ hello }"),
    "1,000 directives on variables": ("directives", "query (" + many(800, "$v#: Int @a") + ") { hello }"),
    "nesting of 10,000": ("tokens", "{a" * 10_000 + "}" * 10_000),
    "nesting of 1,000": ("nesting", "{a" * 1_000 + "}" * 1_000),
    "unclosed nesting of 50,000": ("tokens", "{" * 50_000),
    "nesting of inline fragments": ("nesting", "{" + "... {" * 1_000 + "hello" + "}" * 1_001),
    "nesting of list values": ("nesting", "{ hello(name: " + "[" * 2_000 + "]" * 2_000 + ") }"),
    "nesting of types": ("nesting", "query ($a: " + "[" * 2_000 + "Int" + "]" * 2_000 + ") { hello }"),
    "a chain of 400 fragments": ("definitions", chain(400)),
    "many operations": ("definitions", many(900, "query Q# { hello }")),
    "depth": ("depth", pages(*[1] * 8)),
    "depth through fragments": ("depth", DEEP),
    "aliases": ("aliases", "{ people { " + many(51, "a#: nodes { name }") + "} }"),
    "root fields": ("root_fields", "{" + many(21, "a#: hello") + "}"),
    "root fields through fragments": ("root_fields", "{" + "...A " * 7 + "}" + ALIASED),
    "pages of pages": ("nodes", pages(200, 200, 200)),
    "pages by variables": ("nodes", "query ($n: Int!)" + pages("$n", "$n", "$n")),
    "pages by default": ("nodes", pages(None, None, None)),
    "pages in fragments": ("nodes", FRIENDS),
    "a page of a billion": ("nodes", pages(1_000_000_000)),
    "a page of more digits than fit": ("nodes", pages("9" * 5_000)),
    "lists of lists": ("nodes", "{ people { nodes " + "{ teams " * 5 + "{ name }" + "}" * 5 + "} }"),
    "introspection of introspection": ("nodes", "{ __schema { types " + INWARD + "} }"),
    "a megabyte": ("characters", "{ hello }" + " " * 1_000_000),
    "comments": ("characters", "#\n" * 60_000 + "{ hello }"),
}  # fmt: skip

HEAVY = {
    "as many fields as there may be": "{ people { nodes {" + many(49, "f#: name") + " name" * 19 + "} } }",
    "repeats within repeats": "{" + (" people { nodes {" + " name" * 4 + "} }") * 19 + "}",
    "repeats within repeats within repeats": "{" + ("people{nodes{" + "friends{nodes{name}}" * 9 + "}}") * 19 + "}",
    "repeats at every level": "{people{nodes{" + ("friends{nodes{friends{nodes{" + "name " * 9 + "}}}}") * 19 + "}}}",
    "a chain of fragments": chain(98),
    "a chain that ends in 890 names": chain(90).replace("hello }", " ".join(f"n{each}" for each in range(890)) + "}"),
    "as many comparisons as there may be": "{people{nodes{" + "name " * 122 + "}}}",
    "repeats of repeats of repeats": "{" + ("people{nodes{" + "teams{name}" * 5 + "}}") * 19 + "}",
    "fragments that spread one": "{" + many(19, "...F#") + "}" + many(19, "fragment F# on Query { hello ...G }") + G,
    "unknown fields with suggestions": "{ people { nodes {" + many(900, "nam#") + "} } }",
    "many arguments": "{ hello(" + many(1_200, "a#: 1") + ") }",
    "many variables": "query (" + many(1_100, "$v#: Int") + ") { hello }",
    "the same variable": "query (" + "$v: Int " * 1_100 + ") { hello }",
    "many operations of one name": many(99, "query Q { hello }"),
    "many operations with fragments": many(90, "query Q# { ...F }") + "fragment F on Query { hello }",
    "a long list": "{ hello(name: [" + "1 " * 4_900 + "]) }",
    "a big object": "{ hello(name: {" + many(1_500, "a#: 1") + "}) }",
    "a cycle": "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
    "a wide cycle": "{ ...F0 }" + many(98, "fragment F# on Query { ...F0 ...F50 ...F97 ...F3 ...F# hello }"),
    "block strings that never end": "{ hello(name: " + '\"\"\"\\' * 20_000 + ") }",
    "quotes that never end": "{ hello(name: " + '"\\"\n' * 20_000 + ") }",
}  # fmt: skip


@pytest.fixture(autouse=True)
def settled() -> Iterator[None]:
    """As the application does after its start: the collector does not look again and again at what lives for ever."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


Refusal = tuple[str, str]
"""A code and a message; empty when nothing was refused."""


def cheap(work: Callable[[], object], within: float = CPU_SECONDS) -> Refusal:
    """How the work was refused, and that it took no more than its share of CPU; neighbours may spoil two tries.

    Without the collector, whose share grows with whatever other tests have left in this process.
    """
    gc.disable()
    try:
        return _cheap(work, within)
    finally:
        gc.enable()


def _cheap(work: Callable[[], object], within: float) -> Refusal:
    spent = []
    refusal: Refusal = ("", "")
    for _ in range(3):
        started = time.thread_time()
        try:
            work()
        except RequestError as error:
            refusal = error.errors[0]["extensions"]["code"], error.errors[0]["message"]
        except BadInput as problem:
            refusal = problem.code, str(problem)
        spent.append(time.thread_time() - started)
        if spent[-1] < within:
            return refusal
    raise AssertionError(f"took {min(spent) * 1000:.0f} ms at best")


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


def role(inner: str) -> str:
    return f'{{ role(name: "a") {{ {inner} }} }}'


def twice(levels: int) -> str:
    """2 to the power of `levels` of one name, each level twice."""
    inner = "name"
    for _ in range(levels):
        inner = f"extends {{ {inner} }} " * 2
    return inner


# Of the product's own contract, whose types refer to each other more than those above
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


WITH_LIST = "query ($list: [String!]!) { hello }"
BODIES: dict[str, tuple[str, str]] = {  # of requests, by the answer that each has to get
    "10^5 variables": (
        "TOO_COMPLEX",
        json.dumps({"query": "{ hello }", "variables": {f"v{n}": n for n in range(10**5)}}),
    ),
    "a list of 10^5": ("TOO_COMPLEX", json.dumps({"query": WITH_LIST, "variables": {"list": ["a"] * 10**5}})),
    "lists of lists": (
        "TOO_COMPLEX",
        json.dumps({"query": WITH_LIST, "variables": {"list": [[["a"] * 50] * 50] * 50}}),
    ),
    "a list of 9,000 that are wrong": (
        "BAD_INPUT",
        json.dumps({"query": WITH_LIST, "variables": {"list": [1] * 9_000}}),
    ),
    "a text of a megabyte": ("TOO_COMPLEX", json.dumps({"query": "{ hello }", "variables": {"a": "x" * 10**6}})),
    "a name of a megabyte": ("TOO_COMPLEX", json.dumps({"query": "{ hello }", "variables": {"x" * 10**6: 1}})),
    "nesting of 250,000": (
        "BAD_INPUT",
        '{"query": "{ hello }", "variables": {"a": ' + "[" * 250_000 + "]" * 250_000 + "}}",
    ),
    "nesting of objects": (
        "BAD_INPUT",
        '{"query": "{ hello }", "variables": ' + '{"a":' * 100_000 + "1" + "}" * 100_001,
    ),
    "escapes": ("", '{"query": "{ hello }", "x": "' + "\\u00e9" * 150_000 + '"}'),
    "a string of 90,000 in the document": ("", json.dumps({"query": f'{{ hello(name: "{"x" * 90_000}") }}'})),
    "100 operations": ("BAD_INPUT", json.dumps({"query": many(100, "query Q# { hello }")})),
    "101 operations": ("TOO_COMPLEX", json.dumps({"query": many(101, "query Q# { hello }")})),
    "1,200 variables": ("BAD_INPUT", json.dumps({"query": "query (" + many(1_200, "$v#: Int") + ") { hello }"})),
    "a number of 4,000 digits": ("", '{"query": "{ hello }", "variables": {"a": 1' + "0" * 4_000 + "}}"),
}


@pytest.mark.parametrize(("expected", "body"), BODIES.values(), ids=BODIES)
def test_a_request_is_read_or_refused_at_no_cost(expected: str, body: str) -> None:
    world = World()

    def read() -> None:
        engine = Engine(SCHEMA, Documents(SCHEMA, Limits()), world.context)
        operation = engine.prepare(GraphQLRequest.of(decode(body)))
        engine.check_variables(operation, world.tokens["good"])

    code, message = cheap(read)
    assert code == expected
    assert len(message) < 600


@pytest.mark.parametrize("depth", [1_000, 100_000])
def test_deep_json_in_a_socket_frame_is_refused_at_once_and_the_server_lives(depth: int, url: str) -> None:
    with socket(url) as client:
        nested = "[" * depth + "]" * depth
        payload = f'{{"query": "{{ hello }}", "variables": {{"a": {nested}}}}}'
        client.send(f'{{"type": "subscribe", "id": "1", "payload": {payload}}}')
        assert client.closed() == 4400
    with socket(url) as client:
        client.subscribe("{ hello }")
        assert client.receive()["payload"] == {"data": {"hello": "hello world"}}


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
