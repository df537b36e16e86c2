"""docs/frontend.md kept true: its blocks are type-checked, and run against a real server with restarts in between."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from graphql import build_schema, parse, validate

from tests.processes import KEY, REPOSITORY, serving_process
from tests.system.directory import ORGANIZATION, Outside, event, user_in
from tests.system.frontend import (
    BLOCK,
    CHANGES,
    CLIENTS,
    CODE,
    DOCUMENT,
    NAME,
    Stage,
    begin,
    compiled_document,
    set_up,
    token,
)
from tests.system.node import needs_node


@pytest.fixture(scope="module")
def compiled() -> Iterator[Path]:
    with compiled_document() as folder:
        yield folder


@pytest.fixture
def stage(tmp_path: Path, compiled: Path) -> Iterator[Stage]:
    with set_up(tmp_path, compiled) as stage:
        yield stage


# ---- what is written


def test_every_block_of_code_names_the_file_that_it_is() -> None:
    blocks = BLOCK.findall(DOCUMENT)
    assert DOCUMENT.count("```") == 2 * len(blocks)
    assert {kind for kind, _, _ in blocks} == CODE | {"graphql"}
    names = [name for kind, name, _ in blocks if kind in CODE]
    assert all(names)
    assert len(set(names)) == len(names)


def operations() -> list[str]:
    """Every GraphQL operation of the document: its own blocks, those in code, and those in a sentence."""
    templates = re.findall(r"/\* GraphQL \*/ `(.*?)`", DOCUMENT, re.DOTALL)
    return [
        *(body for kind, _, body in BLOCK.findall(DOCUMENT) if kind == "graphql"),
        *templates,
        *re.findall(r"`(\{ \w+ [{(].*?)`", DOCUMENT),
    ]


def test_every_operation_is_valid_for_the_exported_schema() -> None:
    schema = build_schema((REPOSITORY / "schema.graphql").read_text(encoding="utf-8"))
    found = operations()
    assert len(found) == 5
    assert len(re.findall(r"\b(?:query|mutation|subscription) \w+\(", DOCUMENT)) == 4, "one is not marked as GraphQL"
    for each in found:
        assert validate(schema, parse(each)) == [], each


def test_every_link_of_the_document_leads_somewhere() -> None:
    headings = {
        re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.*)$", DOCUMENT, re.MULTILINE)
    }
    for target in re.findall(r"\]\(([^)]+)\)", DOCUMENT):
        if target.startswith("#"):
            assert target[1:] in headings, target
        else:
            assert (REPOSITORY / "docs" / target).exists(), target


def test_every_code_of_a_refusal_has_its_row() -> None:
    problems = (REPOSITORY / "schema" / "problems.py").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([A-Z_]+)` \|", DOCUMENT, re.MULTILINE)) == set(
        re.findall(r'code(?:: ClassVar\[str\])? = "([A-Z_]+)"', problems)
    )


# ---- what runs


@needs_node
def test_the_document_is_type_checked(compiled: Path) -> None:
    made = {path.stem for path in (compiled / "out").iterdir()}
    assert made >= {name.partition(".")[0] for kind, name, _ in BLOCK.findall(DOCUMENT) if kind in CODE}


@needs_node
def test_every_client_goes_on_over_restarts_without_gap_or_double(stage: Stage) -> None:
    stage.backend.gives(lambda: token("ada"))
    after = stage.company.head()
    with ExitStack() as stack:
        pages = [stack.enter_context(stage.page(client, CHANGES, user="ada", after=after)) for client in CLIENTS]

        def see(*kinds: str) -> None:
            expected = [(kind, "ada", "deployer") for kind in kinds]
            assert [[page.change() for _ in kinds] for page in pages] == [expected] * len(CLIENTS)

        stage.company.tell(user_in("ada"))
        see("REVOKED")
        stage.restarts()
        stage.company.tell(user_in("bob", "eng"), user_in("ada", "eng"), user_in("ada"))
        see("GRANTED", "REVOKED")
        stage.restarts()
        stage.company.tell(user_in("ada", "eng"))
        see("GRANTED")
        assert all(page.is_silent(0.5) for page in pages)


@needs_node
def test_apollo_shows_the_change_in_every_query_of_the_user_and_warns_of_nothing(stage: Stage) -> None:
    stage.backend.gives(lambda: token("ada"))
    query = "query Held($id: ID!) { user(id: $id) { id roles { role { name displayName } } } }"

    def held(answer: Any) -> list[str]:
        return [each["role"]["name"] for each in answer["data"]["user"]["roles"]]

    with stage.page("cached", query, id="ada") as page:
        assert held(page.next("next")) == ["deployer"]
        stage.company.tell(user_in("ada"))
        assert held(page.next("next")) == []


@needs_node
def test_roles_are_shown_live_until_the_user_is_deactivated(stage: Stage) -> None:
    stage.backend.gives(lambda: token("ada"))
    with stage.page("shown", user="ada") as page:
        assert page.next("roles") == ["deployer"]
        stage.company.tell(user_in("ada"))
        assert page.next("roles") == []
        stage.restarts()
        assert page.next("roles") == []
        stage.company.tell(user_in("ada", "eng"))
        assert page.next("roles") == ["deployer"]
        stage.company.tell(event("organization.directory.user_deleted", {"id": "ada"}))
        assert page.next("roles") == []
        assert page.next("error") == {"code": 4403}


def begun_anew(stage: Stage) -> None:
    """The database is lost, and another begun; pages cannot reach the server meanwhile, for it is on another port."""
    for file in stage.server.folder.glob("rolecast.db*"):
        file.unlink()
    with serving_process(stage.server.folder) as other, Outside(other.url) as company:
        begin(company)


@needs_node
@pytest.mark.parametrize("sse", [False, True], ids=["ws", "sse"])
def test_an_organization_is_watched_anew_when_the_log_is_another(stage: Stage, sse: bool) -> None:
    stage.backend.gives(lambda: KEY)
    with stage.page("watched", organization=ORGANIZATION, sse=sse) as page:
        assert page.next("start") == {"ada": ["deployer"]}
        stage.company.tell(user_in("bob", "eng"))
        assert page.next("change") == ["GRANTED", "bob", "deployer"]

        stage.restarts(meanwhile=lambda: begun_anew(stage))
        assert page.next("start") == {"ada": ["deployer"]}
        stage.company.tell(user_in("eve", "eng"))
        assert page.next("change") == ["GRANTED", "eve", "deployer"]


@needs_node
def test_a_mutation_sent_twice_under_one_key_is_answered_alike_and_done_once(stage: Stage) -> None:
    grant = """mutation ($user: ID!, $role: String!) {
        grantRole(userId: $user, role: $role) { cursor event { id } } }"""
    stage.company.tell(user_in("eve"))
    variables = {"user": "eve", "role": "deployer", "url": f"{stage.server.url}/graphql", "key": KEY, "again": "once"}
    with stage.page("mutated", grant, **variables) as page:
        assert page.next("next") == page.next("next")
    granted = [each for each in stage.company.journal() if "grant" in each["type"]]
    assert len(granted) == 1


TRUSTED = "query Name($id: ID!) {\n  user(id: $id) {\n    id\n    __typename\n  }\n}"


@needs_node
def test_a_trusted_document_runs_by_its_hash_and_no_other_does(stage: Stage) -> None:
    stage.backend.gives(lambda: token("ada"))
    answer = {"data": {"user": {"id": "ada", "__typename": "User"}}}
    with stage.page("trusted", NAME, id="ada") as page:
        assert page.next("next") == answer  # no trusted documents there: the text is sent after all
    folder = stage.server.folder / "trusted"
    folder.mkdir()
    (folder / "name.graphql").write_text(TRUSTED)
    stage.server.environment["ROLECAST_TRUSTED_DOCUMENTS"] = str(folder)
    stage.restarts()
    with stage.page("trusted", NAME, id="ada") as page:
        assert page.next("next") == answer
    with stage.page("trusted", NAME.replace("{ id }", "{ name }"), id="ada") as page:
        assert page.next("error") == "BAD_INPUT"
