"""What `/metrics` tells, of one process and of several."""

from __future__ import annotations

import re
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from api.metrics import STATUSES, Metrics
from tests.processes import SECRETS, Server, serving_process
from tests.system.directory import Outside, event, user_in
from tests.system.following import CHANGES, changes, over_websocket
from tests.system.served import Served
from tests.system.waiting import listens, until

README = Path(__file__).parents[2] / "README.md"
OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"
COUNTED = {
    "rolecast_events_total,outcome=APPLIED,type=organization.directory.user_updated": 2,  # a repeat is no event
    "rolecast_events_total,outcome=APPLIED,type=admin.map_group": 1,
    "rolecast_events_total,outcome=IGNORED,type=other": 1,
    "rolecast_ingest_batch_events_sum": 6,
    "rolecast_event_delay_seconds_count": 3,  # a command has no clock but ours
    "rolecast_delivery_seconds_count": 1,
    "rolecast_webhook_responses_total,status=201": 4,
    "rolecast_webhook_responses_total,status=401": 1,
    "rolecast_subscribers,log=changes": 0,
    "rolecast_feed_lag_rows,log=changes": 0,
    "rolecast_ingest_queue_events": 0,
    "rolecast_graphql_operation_seconds_count,kind=query,outcome=answered": 1,
    "rolecast_graphql_operation_seconds_count,kind=mutation,outcome=answered": 2,
    "rolecast_graphql_operation_seconds_count,kind=mutation,outcome=error": 1,
    "rolecast_graphql_operation_seconds_count,kind=query,outcome=error": 0,
    "rolecast_graphql_operation_seconds_count,kind=refused,outcome=error": 3,
}
# An alert sees the first of these only if they were told as 0 before.
AT_FIRST = {
    "rolecast_events_total,outcome=REJECTED,type=other": 0,
    "rolecast_events_total,outcome=REJECTED,type=organization.directory.user_updated": 0,
    "rolecast_events_total,outcome=REJECTED,type=admin.map_group": 0,
    "rolecast_webhook_responses_total,status=503": 0,
    "rolecast_database_errors_total,door=read": 0,
    "rolecast_database_errors_total,door=write": 0,
}


def told(outside: Outside) -> dict[str, float]:
    """Each sample by its name and labels."""
    answer = outside.client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return samples(answer.text)


def samples(text: str) -> dict[str, float]:
    """Each sample by its name and labels, in Prometheus' format."""
    return {
        sample.name + "".join(f",{name}={value}" for name, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_events_batches_deliveries_and_refusals_are_counted(served: Served) -> None:
    served.role("deployer")
    served.tell(user_in("ada", "eng"))
    served.maps("eng", "deployer")
    with over_websocket(served.url, CHANGES) as payloads:
        listens(served)
        twice = user_in("bob", "eng")
        served.tell(twice, twice, event("of.no.use", {}))
        next(changes(payloads))
        assert told(served)["rolecast_subscribers,log=changes"] == 1
    served.post(b"{}", {"webhook-id": "x"})
    served.ask("{ viewer { kind } }")
    served.answer('mutation { revokeRole(userId: "nobody", role: "deployer") { cursor } }')
    served.answer("{ nothing }")
    served.answer("{")
    served.answer("query A { viewer { kind } } query B { viewer { kind } }")
    listens(served, 0)
    found = told(served)
    assert {name: found.get(name) for name in COUNTED} == COUNTED
    assert found["rolecast_ingest_batch_seconds_count"] == found["rolecast_ingest_batch_events_count"]
    assert found["process_open_fds"] > 0


def test_any_of_several_processes_tells_what_all_have_counted(migrated_postgresql: str, tmp_path: Path) -> None:
    environment = SECRETS | {"DATABASE_URL": migrated_postgresql, "WEB_CONCURRENCY": "2"}
    with serving_process(tmp_path, environment=environment) as server:
        for number in range(20):  # over connections of their own, which the processes share between them
            with Outside(server.url) as outside:
                outside.tell(user_in(f"user_{number}"))
        for _ in range(6):
            with Outside(server.url) as outside:
                found = told(outside)
                assert found["rolecast_events_total,outcome=APPLIED,type=organization.directory.user_updated"] == 20
                assert found["rolecast_webhook_responses_total,status=201"] == 20
                assert {name: found.get(name) for name in AT_FIRST} == AT_FIRST


def test_the_operations_guide_lists_every_metric() -> None:
    names = {family.name for family in Metrics().registry.collect() if family.name.startswith("rolecast_")}
    text = OPERATIONS.read_text()
    missing = [name for name in sorted(names) if f"`{name}" not in text]
    assert not missing


def test_what_alerts_wait_for_is_told_from_the_start() -> None:
    found = samples(Metrics().tell("")[0].decode())
    assert {name: found.get(name) for name in AT_FIRST} == AT_FIRST


def test_a_webhooks_statuses_are_those_of_the_readme() -> None:
    assert set(map(int, re.findall(r"^\| `(\d{3})\b", README.read_text(), re.MULTILINE))) == set(STATUSES)


def test_what_is_measured_is_told_while_the_database_is_not_there_and_refusals_are_counted(tmp_path: Path) -> None:
    environment = SECRETS | {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    server = Server(tmp_path, environment=environment)
    server.start(ready=False)
    try:
        until(lambda: server.answers("/healthz"), 30)
        assert not server.answers("/readyz")
        with Outside(server.url) as outside:
            assert [outside.post(b"{}").status_code for _ in range(2)] == [503, 503]
            assert outside.client.get("/webhook").status_code == 503, "which is no answer to a sender"
            assert told(outside)["rolecast_webhook_responses_total,status=503"] == 2
    finally:
        server.kill()
