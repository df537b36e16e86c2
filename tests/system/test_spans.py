"""What each span says: whose it is, what of by OpenTelemetry's conventions, whether it failed, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from api.tracing import LONGEST, Tracing
from tests.api.graphql.clients import socket
from tests.processes import KEY
from tests.system.directory import AUTHORIZATION, user_in
from tests.system.served import Served, served_at
from tests.system.waiting import until

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
ADA = "ada@acme.example"


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def traced(spans: InMemorySpanExporter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """The application, with its spans kept here."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    monkeypatch.setattr("api.service.tracing", lambda wanted: Tracing(provider))
    with served_at(f"sqlite:///{tmp_path}/rolecast.db") as served:
        yield served


def last(spans: InMemorySpanExporter, beginning: str) -> ReadableSpan:
    """The newest span whose name begins so; it ends only after the answer was given."""

    def found() -> list[ReadableSpan]:
        return [span for span in spans.get_finished_spans() if span.name.startswith(beginning)]

    until(lambda: bool(found()))
    return found()[-1]


def told(span: ReadableSpan) -> tuple[str, SpanKind, StatusCode, dict[str, object]]:
    return span.name, span.kind, span.status.status_code, dict(span.attributes or {})


def test_an_operation_is_a_servers_with_its_type_and_name_and_without_its_document(
    traced: Served, spans: InMemorySpanExporter
) -> None:
    traced.ask(f'query Ada {{ user(id: "{ADA}") {{ id }} }}')
    attributes = {"graphql.operation.type": "query", "graphql.operation.name": "Ada"}
    assert told(last(spans, "graphql")) == ("graphql query Ada", SpanKind.SERVER, StatusCode.UNSET, attributes)
    with socket(traced.url, token=KEY) as client:
        client.subscribe("query OnASocket { viewer { kind } }")
        assert client.receive()["type"] == "next"
    assert last(spans, "graphql query OnASocket").kind is SpanKind.SERVER
    assert ADA not in "".join(span.to_json() for span in spans.get_finished_spans())


def test_an_answer_with_errors_is_of_a_span_that_failed(traced: Served, spans: InMemorySpanExporter) -> None:
    refused = traced.answer('mutation Refused { createRole(input: {name: ""}) { cursor } }')
    assert refused["errors"]
    _, _, status, attributes = told(last(spans, "graphql mutation"))
    assert (status, attributes["graphql.operation.name"]) == (StatusCode.ERROR, "Refused")
    assert traced.answer("query NoVariable ($id: ID!) { user(id: $id) { id } }")["errors"]
    _, _, status, attributes = told(last(spans, "graphql query NoVariable"))
    assert (status, attributes["error.type"]) == (StatusCode.ERROR, "RequestError")


def test_a_document_that_is_refused_has_a_span_in_its_callers_trace(
    traced: Served, spans: InMemorySpanExporter
) -> None:
    query = {"query": f'query Nothing {{ nothing(of: "{ADA}") }}'}
    traced.client.post("/graphql", json=query, headers=AUTHORIZATION | {"traceparent": PARENT})
    span = last(spans, "graphql")
    assert told(span) == ("graphql refused", SpanKind.SERVER, StatusCode.ERROR, {"error.type": "RequestError"})
    assert span.parent is not None
    assert span.start_time is not None
    assert span.end_time is not None
    assert span.end_time > span.start_time, "the time until it was refused"
    assert ADA not in span.to_json()


def test_names_and_ids_that_callers_choose_are_cut(traced: Served, spans: InMemorySpanExporter) -> None:
    traced.ask(f"query {'Long' * 100} {{ viewer {{ kind }} }}")
    traced.post(b"{}", {"webhook-id": "x" * 1_000})
    name, _, _, attributes = told(last(spans, "graphql"))
    assert len(name) == LONGEST
    assert attributes["graphql.operation.name"] == ("Long" * 100)[:LONGEST]
    assert told(last(spans, "POST"))[3]["rolecast.webhook"] == "x" * LONGEST


def test_a_webhook_is_a_servers_and_failed_when_the_fault_was_the_servers(
    traced: Served, spans: InMemorySpanExporter
) -> None:
    traced.tell(user_in("ada"))
    *_, attributes = told(last(spans, "POST /webhook"))
    assert attributes["http.response.status_code"] == 201
    traced.post(b"{}", {"webhook-id": "x"})
    name, kind, status, attributes = told(last(spans, "POST /webhook"))
    assert (name, kind, status) == ("POST /webhook", SpanKind.SERVER, StatusCode.UNSET)
    assert attributes["http.response.status_code"] == 401
    traced.service.ingest.give_up()
    spans.clear()
    traced.post(b'{"id": "evt_1"}')
    _, _, status, attributes = told(last(spans, "POST /webhook"))
    assert (status, attributes["http.response.status_code"]) == (StatusCode.ERROR, 503)


def test_a_batch_that_fails_has_the_kind_of_its_exception_and_not_its_words(spans: InMemorySpanExporter) -> None:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    with pytest.raises(ValueError, match=ADA), Tracing(provider).span("ingest batch", events=1):
        raise ValueError(ADA)
    attributes = {"rolecast.events": 1, "error.type": "ValueError"}
    assert told(last(spans, "ingest")) == ("ingest batch", SpanKind.INTERNAL, StatusCode.ERROR, attributes)
    assert ADA not in last(spans, "ingest").to_json()
