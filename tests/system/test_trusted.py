"""Trusted documents, on a real server: only the folder's operations run, by id or by their text, on every transport."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.api.graphql import clients
from tests.api.graphql.clients import TRANSPORTS, over_websocket, post
from tests.processes import SECRETS, rolecast
from tests.system.directory import Json, user_in
from tests.system.served import Served, served_at

ROLES = "query Roles { roles { name } }\n"
VIEWER = "{ viewer { mayWrite } }"
CHANGES = "subscription Changes { roleChanges { kind userId } }"
MANY = "query A { roles { name } } query B { permissions { name } }"
PERMISSION = 'mutation Permission { createPermission(name: "read") { name } }'
Run = Callable[[str, Json], list[Json]]
every = pytest.mark.parametrize("run", TRANSPORTS.values(), ids=TRANSPORTS)


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def apq(digest: str, version: int = 1) -> Json:
    return {"extensions": {"persistedQuery": {"version": version, "sha256Hash": digest}}}


pytestmark = pytest.mark.usefixtures("with_our_key")


@pytest.fixture(scope="module")
def trusting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with documents of every kind of file."""
    folder = tmp_path_factory.mktemp("documents")
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "deep" / "er" / "roles.graphql").write_text(ROLES)
    (folder / "changes.gql").write_text(CHANGES)
    (folder / "relay.json").write_text(json.dumps({"viewer-7": VIEWER}))
    operations = [{"id": sha(text), "name": "x", "type": "query", "body": text} for text in (MANY, PERMISSION)]
    manifest = {"format": "apollo-persisted-query-manifest", "version": 1, "operations": operations}
    (folder / "apollo.json").write_text(json.dumps(manifest))
    (folder / "README.md").write_text("nothing to run")
    url = f"sqlite:///{tmp_path_factory.mktemp('trusting')}/rolecast.db"
    with served_at(url, trusted_documents=folder) as served:
        served.post(json.dumps(user_in("ada", "eng")).encode())
        yield served


@pytest.fixture(scope="module")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that runs any document."""
    with served_at(f"sqlite:///{tmp_path_factory.mktemp('open')}/rolecast.db") as served:
        yield served


def refused(results: list[Json]) -> str:
    """The sentence of the one refusal, whose code is BAD_INPUT."""
    (result,) = results
    (error,) = result["errors"]
    assert error["extensions"] == {"code": "BAD_INPUT"}
    message: str = error["message"]
    return message


@every
@pytest.mark.parametrize(
    "request_",
    [
        apq(sha(ROLES)),
        apq(sha(ROLES.strip()).upper()),
        {"documentId": sha(ROLES)},
        {"documentId": f"sha256:{sha(ROLES)}"},
        {"query": ROLES},
        {"query": f"\n{ROLES}\n"},
        {"query": ROLES, **apq(sha(ROLES))},
        {"query": "", **apq(sha(ROLES))},
        {"documentId": f"sha256:{sha(MANY)}", "operationName": "A"},
        {"documentId": sha(ROLES), **apq(sha(ROLES))},
    ],
    ids=str,
)
def test_a_trusted_document_runs_by_its_id_and_by_its_text(run: Run, request_: Json, trusting: Served) -> None:
    (result,) = run(trusting.url, request_)
    assert list(result["data"]) == ["roles"]


@every
def test_a_manifests_own_id_is_one(run: Run, trusting: Served) -> None:
    for request in ({"documentId": "viewer-7"}, apq(sha(VIEWER))):
        assert run(trusting.url, request) == [{"data": {"viewer": {"mayWrite": True}}}]


@every
@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        (apq(sha("unknown")), "PersistedQueryNotFound"),
        ({"documentId": "viewer-8"}, "PersistedQueryNotFound"),
        ({"query": VIEWER, **apq(sha("unknown"))}, "PersistedQueryNotFound"),
        ({"query": "{ permissions { name } }"}, "only trusted documents run here"),
        ({"query": "{ __typename }"}, "only trusted documents run here"),
        ({"query": ROLES + "# more"}, "only trusted documents run here"),
        ({"query": "{ roles { name } }", **apq(sha(ROLES))}, "only trusted documents run here"),
        ({"query": VIEWER, **apq(sha(ROLES))}, "the document's id is not that of its text"),
        ({"query": "{" * 5_000}, "only trusted documents run here"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_everything_else_is_refused(run: Run, request_: Json, sentence: str, trusting: Served) -> None:
    assert refused(run(trusting.url, request_)).startswith(sentence)


def test_a_subscription_and_a_mutation_run_by_id(trusting: Served) -> None:
    with clients.stream(trusting.url, apq(sha(CHANGES))):
        pass  # its status and media type were those of a stream
    with clients.socket(trusting.url) as client:
        client.send({"id": "1", "type": "subscribe", "payload": apq(sha(CHANGES))})
        client.send({"type": "ping"})
        assert client.receive() == {"type": "pong"}, "and no error"
    for _ in range(2):
        answer = post(trusting.url, apq(sha(PERMISSION)), Idempotency_Key="k1")
        assert answer.json() == {"data": {"createPermission": {"name": "read"}}}
    by_text = post(trusting.url, {"query": PERMISSION}, Idempotency_Key="k1")
    assert by_text.headers["idempotency-replayed"] == "true", "the same document is the same request"


@every
def test_without_the_setting_a_client_is_told_to_send_the_text(run: Run, open_server: Served) -> None:
    assert refused(run(open_server.url, apq(sha(ROLES)))) == "PersistedQueryNotSupported"
    assert refused(run(open_server.url, {"documentId": "viewer-7"})) == "PersistedQueryNotSupported"
    (result,) = run(open_server.url, {"query": ROLES, **apq(sha(ROLES))})
    assert "data" in result
    assert "SHA-256" in refused(run(open_server.url, {"query": VIEWER, **apq(sha(ROLES))}))
    assert "SHA-256" in refused(run(open_server.url, {"query": VIEWER, "documentId": f"sha256:{sha(ROLES)}"}))


@pytest.mark.parametrize(
    "request_",
    [
        {"documentId": 7},
        {"query": ["{ viewer { mayWrite } }"], "documentId": "viewer-7"},
        {"query": "  ", "documentId": "viewer-7"},
        {"extensions": {"persistedQuery": "x"}},
        apq(sha(ROLES), version=2),
        {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": 7}}},
        {"documentId": "viewer-7", **apq(sha(ROLES))},
    ],
    ids=str,
)
def test_what_names_no_document_is_told_so(request_: Json, trusting: Served) -> None:
    over_http = [post(trusting.url, request_, Accept=kind) for kind in ("application/json", "text/event-stream")]
    assert [answer.status_code for answer in over_http] == [400, 400], "the request itself is no good"
    sentences = {refused([answer.json()]) for answer in over_http} | {refused(over_websocket(trusting.url, request_))}
    assert len({sentence.replace("the payload", "the body") for sentence in sentences}) == 1


def test_trusted_documents_never_fall_out(trusting: Served) -> None:
    for number in range(300):
        post(trusting.url, {"query": f"{{ nothing{number} }}"})
    assert post(trusting.url, apq(sha(ROLES))).json()["data"]


@pytest.mark.parametrize(
    ("files", "named", "reason"),
    [
        ({"a.graphql": "{ nothing }"}, "a.graphql", "Cannot query field 'nothing'"),
        ({"a.graphql": "{ viewer "}, "a.graphql", "Syntax Error"),
        ({"a.graphql": "fragment F on Query { viewer { mayWrite } }"}, "a.graphql", "never used"),
        ({"a.graphql": ""}, "a.graphql", "Syntax Error"),
        ({"a.gql": "{" + " viewer" * 5_000 + "}"}, "a.gql", "tokens"),
        ({"a.graphql": b"\xff{ viewer { mayWrite } }"}, "a.graphql", "cannot be read"),
        ({"a.json": "[1]"}, "a.json", "is no manifest"),
        ({"a.json": "{"}, "a.json", "is no manifest"),
        ({"a.json": '{"a": 7}'}, "a.json", "is no manifest"),
        ({"a.json": '{"format": "apollo-persisted-query-manifest"}'}, "a.json", "is no manifest"),
        ({"a.json": '{"a": "{ viewer { mayWrite } }"}', "b.json": '{"a": "{ roles { name } }"}'}, "b.json", "already"),
        ({"a.json": "{}", "b.txt": "{ viewer { mayWrite } }"}, "documents", "has no trusted document"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_folder_that_cannot_be_meant_refuses_to_start_with_a_sentence(
    files: dict[str, str | bytes], named: str, reason: str, tmp_path: Path
) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    ended = rolecast(tmp_path, "serve", environment=SECRETS | {"ROLECAST_TRUSTED_DOCUMENTS": str(folder), "PORT": "0"})
    assert ended.returncode != 0
    said = " ".join((ended.stdout + ended.stderr).split())
    assert named in said.replace(" ", "") or named in said
    assert reason.replace(" ", "") in said.replace(" ", "")
    assert "Traceback" not in said
