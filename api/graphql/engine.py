"""Run checked operations on the schema: one answer, or a stream of them; every transport comes here.

This calls graphql-core and not strawberry's `execute`: that parses and validates for every request, logs every error
by itself, and reports a failed validation differently by transport. What strawberry adds to graphql-core at execution
is its executor class, which is used here, and extensions, which are refused.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, aclosing, contextmanager
from dataclasses import dataclass
from typing import Any, TypeGuard, cast

import strawberry
from graphql import ExecutionResult, Executor, GraphQLError, OperationType, execute_root_selection_set
from graphql.execution import create_source_event_stream, execute_subscription_event, map_source_to_response_event
from strawberry.execution import optimized_is_awaitable

from api.graphql.counting import counting
from api.graphql.documents import Document, Documents
from api.graphql.errors import RequestError, field_errors, request_errors
from api.graphql.hiding import Wording
from api.graphql.wire import GraphQLRequest
from schema.cursors import Reached
from schema.graphql.budget import Budget
from schema.graphql.context import Attempt, Context, Viewer

Response = dict[str, Any]
"""A GraphQL response (7.1): `data`, and `errors` where there are any."""

Responses = AsyncGenerator[Response, None]

_is_awaitable = cast("Callable[[Any], TypeGuard[Awaitable[Any]]]", optimized_is_awaitable)


Observe = Callable[[str, str | None, Mapping[str, str] | None, float], AbstractContextManager[Callable[[bool], None]]]
"""Watches an operation of a kind and a name, with the headers it came by and when that was by time.perf_counter(); is
told whether it was answered well. Of what is no operation that can run, the kind is REFUSED."""

REFUSED = "refused"


@contextmanager
def unobserved(
    kind: str, name: str | None, carrier: Mapping[str, str] | None, began: float
) -> Iterator[Callable[[bool], None]]:
    """Nobody watches."""
    yield lambda well: None


@dataclass(frozen=True, slots=True)
class Asked:
    """What came along with a request: its headers, what it has seen, and what makes it the same as another attempt."""

    headers: Mapping[str, str] | None = None
    at_least: Reached | None = None
    last_event_id: str | None = None
    attempt: Attempt | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """A request whose document is good and which names one of its operations. `prepare` makes them."""

    request: GraphQLRequest
    document: Document
    kind: OperationType


NOTHING = Asked()


class Engine:
    """One schema, its documents, and the context that its resolvers get."""

    def __init__(
        self,
        schema: strawberry.Schema,
        documents: Documents,
        context: Callable[[Viewer], Context],
        observe: Observe = unobserved,
    ) -> None:
        """`context` makes what resolvers find in `info.context`, anew for every operation and event of a subscription.

        `observe` watches queries and mutations. Raises ValueError for a schema with extensions, which would not run.
        """
        if schema.get_extensions():
            raise ValueError("schema extensions and operation directives are not run by this transport; remove them")
        self._schema = schema._schema
        self._executor_class = counting(schema.execution_context_class)
        self._documents = documents
        self.limits = documents.limits
        self._make_context = context
        self._observe = observe
        self._unheard: set[asyncio.Task[Response]] = set()

    def prepare(self, request: GraphQLRequest, headers: Mapping[str, str] | None = None) -> Operation:
        """Find what is to run. Raises RequestError when the document or the operation's name is no good."""
        began = time.perf_counter()
        try:
            document = self._documents.find(request)
            return Operation(request, document, document.operation(request.operation_name))
        except RequestError:
            with self._observe(REFUSED, None, headers, began):
                raise

    def _context(self, viewer: Viewer) -> Context:
        context = self._make_context(viewer)
        context.budget = Budget(nodes=self.limits.nodes, fields=self.limits.answer_fields)
        return context

    def check_variables(self, operation: Operation, viewer: Viewer) -> None:
        """Raise RequestError when the variables do not fit the operation, without running any of it."""
        self._executor(operation, self._context(viewer))

    async def answer(self, operation: Operation, viewer: Viewer, asked: Asked = NOTHING) -> Response:
        """Run a query or mutation. Raises RequestError when the variables do not fit the operation.

        A mutation that began runs to its end, also when nobody waits for its answer any more. A query may be read where
        the newest is not known yet, but never from before what it was `asked` to reach.
        """
        context = self._context(viewer)
        context.attempt = asked.attempt
        if operation.kind is not OperationType.MUTATION:
            if context.behind is not None and asked.headers is not None:  # a socket's messages cannot say what they saw
                context.read = context.behind(asked.at_least)
            return await self._watched(operation, context, asked)
        task = asyncio.create_task(self._watched(operation, context, asked))
        self._unheard.add(task)  # the loop alone would not keep it alive
        task.add_done_callback(self._unheard.discard)
        return await asyncio.shield(task)

    async def _watched(self, operation: Operation, context: Context, asked: Asked) -> Response:
        name = operation.request.operation_name or next(iter(operation.document.operations))
        with self._observe(operation.kind.value, name, asked.headers, time.perf_counter()) as answered:
            response = await self._execute(operation, context)
            answered("errors" not in response)
            return response

    async def _execute(self, operation: Operation, context: Context) -> Response:
        try:
            result = execute_root_selection_set(self._executor(operation, context))
            return self._response(operation, result if isinstance(result, ExecutionResult) else await result)
        except RequestError:
            raise
        except Exception as error:
            return {"data": None, "errors": field_errors([error])}

    async def stream(self, operation: Operation, viewer: Viewer, asked: Asked = NOTHING) -> Responses:
        """Run any operation as a stream: a subscription's responses, or the one of a query or mutation.

        Raises RequestError when it cannot start, and when a subscription's source ends by an exception; nothing
        follows that. Closing the stream closes the source before it returns. Every event has a context of its own, so
        that nothing loaded for one is served again with a later one.
        """
        if operation.kind is not OperationType.SUBSCRIPTION:
            yield await self.answer(operation, viewer, asked)
            return
        context = self._context(viewer)
        context.last_event_id = asked.last_event_id
        try:
            async with aclosing(await self._events(operation, context, viewer)) as events:
                async for result in events:
                    yield self._response(operation, result)
                    await asyncio.sleep(0)  # a source that always has more must not keep the loop from everyone else
        except RequestError:
            raise
        except Exception as error:
            raise RequestError(field_errors([error])) from None

    async def _events(
        self, operation: Operation, context: Context, viewer: Viewer
    ) -> AsyncGenerator[ExecutionResult, None]:
        executor = self._executor(operation, context)
        source = create_source_event_stream(executor)
        if _is_awaitable(source):
            source = await source
        if isinstance(source, ExecutionResult):
            raise RequestError(field_errors(source.errors or [], self._worded(operation)))

        def run(event: Executor[Any]) -> Any:
            event.context_value = self._context(viewer)
            return execute_subscription_event(event)

        return map_source_to_response_event(executor, cast("AsyncIterable[Any]", source), run)

    def _executor(self, operation: Operation, context: Context) -> Executor[Any]:
        request = operation.request
        executor = self._executor_class.build(
            self._schema,
            operation.document.ast,
            context_value=context,
            raw_variable_values=request.variables,
            operation_name=request.operation_name,
            is_awaitable=_is_awaitable,
            hide_suggestions=self._documents.hides_schema,
            operation_extensions=request.extensions,
        )
        if isinstance(executor, list):
            raise RequestError(request_errors(executor, self._worded(operation)))
        return executor

    def _response(self, operation: Operation, result: ExecutionResult) -> Response:
        if not result.errors:
            return {"data": result.data}
        errors: list[GraphQLError] = result.errors
        return {"data": result.data, "errors": field_errors(errors, self._worded(operation))}

    def _worded(self, operation: Operation) -> Wording:
        return self._documents.wording(operation.request, operation.document)
