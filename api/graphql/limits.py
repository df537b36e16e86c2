"""How much one client may ask for: of a document, of a request, and of a connection."""

from __future__ import annotations

from dataclasses import dataclass

from schema.problems import TooComplex


@dataclass(frozen=True, slots=True)
class Limits:
    """Every bound of the GraphQL transport. Document measures count fragments as often as they would expand."""

    characters: int = 100_000  # of a document's source
    tokens: int = 5_000
    nesting: int = 64  # of brackets of any kind; graphql-core's own parser recurses and gives up at 200
    definitions: int = 100  # operations and fragments; validation compares some of them pairwise
    depth: int = 15  # of fields; the introspection query of GraphiQL and of code generators has 15
    root_fields: int = 20
    aliases: int = 50
    fields: int = 1_000
    comparisons: int = 15_000  # of fields that share a name, in validation; each takes 4 us at most (measured)
    directives: int = 50
    nodes: int = 20_000  # objects in the answer: by `first` and the sizes of lists before it is read, then as they are
    values: int = 10_000  # in the variables, however nested; coercing an input object takes 20 us (measured)
    text: int = 100_000  # characters of one text in the variables
    page: int = 200  # what a `first` counts that is a variable; the contract's greatest
    body_bytes: int = 1 << 20  # of an HTTP body or a socket's message
    operations: int = 100  # live at once on one socket
    init_seconds: float = 10.0  # from accepting a socket to its connection_init
    heartbeat_seconds: float = 12.0  # between comments on an event stream; below proxies' usual 15 to 60
    sockets: int = 5_000  # WebSockets and event streams of one credential
    # Between two looks at whether a live connection's credential still stands; what was found is trusted for 2 s
    recheck_seconds: float = 2.0
    cached_refusals: int = 200  # apart from documents: whoever sends nonsense pushes out nobody's
    cached_refused_characters: int = 200_000
    cached_documents: int = 1_000
    cached_characters: int = (
        1_000_000  # of their sources together; a document takes 50 to 100 bytes a character (measured)
    )

    @property
    def answer_fields(self) -> int:
        """Fields that an answer may have; each takes 3 us of the event loop, as an object does (measured)."""
        return max(100_000, 5 * self.nodes)

    def check(self, measure: str, value: int) -> None:
        """Raise TooComplex, with the measure, the value and the limit, when the value is above it."""
        limit: int = getattr(self, measure)
        if value > limit:
            raise TooComplex(f"{measure.replace('_', ' ')}: this document has {value}, the limit is {limit}")
