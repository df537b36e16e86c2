"""Spans of operations, as a collector gets them: of webhooks, batches and GraphQL operations, and of nothing inside."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from api.tracing import Tracing, Untraceable, tracing
from tests.processes import SECRETS, serving_process
from tests.system.directory import AUTHORIZATION, Outside, headers, user_in
from tests.system.waiting import until

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


@contextmanager
def collector() -> Iterator[tuple[str, list[Span]]]:
    """Where spans may be sent over HTTP, and those that were."""
    spans: list[Span] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            body = gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope in resource.scope_spans:
                    spans.extend(scope.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", spans
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()


def attributes(span: Span) -> dict[str, object]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in span.attributes}


def test_a_collector_gets_a_span_for_each_operation_and_none_for_fields(tmp_path: Path) -> None:
    with collector() as (url, spans):
        environment = SECRETS | {
            "ROLECAST_TRACING": "true",
            "OTEL_EXPORTER_OTLP_ENDPOINT": url,
            "OTEL_BSP_SCHEDULE_DELAY": "100",
        }
        with serving_process(tmp_path, environment=environment) as server, Outside(server.url) as outside:
            body = b'{"id": "evt_1", "type": "of.no.use", "occurred_at": "2026-01-01T00:00:00Z"}'
            outside.post(body, headers(body) | {"traceparent": PARENT})
            outside.tell(user_in("ada", "eng"))
            query = 'query Ada { user(id: "ada") { email groups { displayName } } }'
            outside.client.post("/graphql", json={"query": query}, headers=AUTHORIZATION | {"traceparent": PARENT})
            outside.role("deployer")
            until(lambda: sum(span.name.startswith("graphql") for span in spans) == 2)
            until(lambda: sum(span.name == "ingest batch" for span in spans) == 3)
    names = sorted(span.name for span in spans)
    assert names == sorted(["POST /webhook"] * 2 + ["ingest batch"] * 3 + ["graphql query Ada", "graphql mutation"])
    assert sum(span.trace_id.hex() == TRACE for span in spans) == 2, "a caller's trace goes on"
    said = str([attributes(span) for span in spans])
    assert "acme.example" not in said, "no personal data"


def test_without_being_asked_for_nothing_is_traced() -> None:
    assert tracing(False).span("anything").__enter__() is None
    assert Tracing().close() is None  # type: ignore[func-returns-value]  # there is nothing to close


def test_what_is_asked_for_and_not_installed_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(Untraceable, match=r"install --editable '.\[tracing\]'"):
        tracing(True)
