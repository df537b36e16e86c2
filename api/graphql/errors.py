"""The one place where exceptions become GraphQL errors."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from graphql import FieldNode, GraphQLError

from schema.problems import BadInput, Problem, TooManyAttempts, Unavailable

LONGEST_MESSAGE = 500  # characters

logger = logging.getLogger(__name__)

Formatted = dict[str, Any]
"""One entry of a response's `errors`: message, extensions.code, and locations and path where they are known."""


class RequestError(Exception):
    """A well-formed request that gives no `data`: GraphQL's "request error", or the end of a response stream.

    `errors` are ready to send; `status` is the HTTP status where the media type lets it show.
    """

    def __init__(self, errors: Sequence[Formatted], *, status: int = 400) -> None:
        super().__init__(errors[0]["message"])
        self.errors = list(errors)
        self.status = status

    @classmethod
    def of(cls, problem: Problem) -> RequestError:
        """The same refusal, for a request that was well formed."""
        return cls([refusal(problem)], status=problem.status)


def refusal(problem: Problem) -> Formatted:
    """Format a Problem: its sentence and code, and `retryAfter` seconds where the same request may succeed later."""
    if problem.detail is not None:
        logger.info("%s: %s", problem.code, problem.detail.partition("\n")[0])  # what a database adds is of its rows
    extensions: dict[str, Any] = {"code": problem.code}
    if isinstance(problem, Unavailable | TooManyAttempts):
        extensions["retryAfter"] = problem.retry_after
    return {"message": str(problem), "extensions": extensions}


def internal(error: BaseException) -> Formatted:
    """Log an unexpected exception with its traceback, and format an answer that says nothing but where to find it."""
    reference = uuid.uuid4().hex[:12]
    logger.error("internal error, reference %s", reference, exc_info=error)
    extensions = {"code": Problem.code, "reference": reference}
    return {"message": f"internal error, reference {reference}", "extensions": extensions}


def request_errors(errors: Iterable[GraphQLError], worded: Callable[[str], str] = str) -> list[Formatted]:
    """Format what graphql-core says of a document or its variables: BAD_INPUT, or the code of the Problem beneath.

    `worded` gives a sentence of graphql-core's as the client is to read it.
    """
    return [_request_error(error, worded) for error in errors]


def field_errors(errors: Iterable[Exception], worded: Callable[[str], str] = str) -> list[Formatted]:
    """Format what resolvers raised. An exception that broke several fields is logged once and has one reference."""
    known: dict[int, Formatted] = {}
    return [_field_error(error, known, worded) for error in errors]


def _request_error(error: GraphQLError, worded: Callable[[str], str]) -> Formatted:
    origin = _origin(error)
    code = origin.code if isinstance(origin, Problem) else BadInput.code
    return {"message": _short(worded(error.message)), **_position(error), "extensions": {"code": code}}


def _field_error(error: Exception, known: dict[int, Formatted], worded: Callable[[str], str]) -> Formatted:
    origin = _origin(error)
    if isinstance(origin, Problem):
        answer = refusal(origin)
    elif isinstance(error, GraphQLError) and _blames_the_caller(error):
        answer = {"message": _short(worded(error.message)), "extensions": {"code": BadInput.code}}
    else:
        answer = known.get(id(origin)) or known.setdefault(id(origin), internal(origin))
    return {**answer, **_position(error)}


def _short(message: str) -> str:
    """The sentence, cut: graphql-core repeats what it refuses, and that may be a megabyte."""
    return message if len(message) <= LONGEST_MESSAGE else message[:LONGEST_MESSAGE] + "…"


def _origin(error: Exception) -> Exception:
    """What was raised, beneath graphql-core's wrapping."""
    while isinstance(error, GraphQLError) and error.original_error is not None:
        error = error.original_error
    return error


def _blames_the_caller(error: GraphQLError) -> bool:
    """Whether graphql-core found fault with an argument and not with a resolver's answer.

    Null for a non-null argument through a nullable variable is only found while executing (GraphQL 6.4.1, Coercing
    Field Arguments). It is located at the argument; an answer that does not fit its type is located at the field.
    """
    return error.nodes is not None and not any(isinstance(node, FieldNode) for node in error.nodes)


def _position(error: Exception) -> Formatted:
    if not isinstance(error, GraphQLError):
        return {}
    position: Formatted = {}
    if error.locations:
        position["locations"] = [location.formatted for location in error.locations]
    if error.path:
        position["path"] = error.path
    return position
