"""Documents that ask for too much, or for as much as they may; each says what it is."""

from __future__ import annotations


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
