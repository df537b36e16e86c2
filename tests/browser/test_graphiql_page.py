"""GraphiQL as a person meets it: a real browser, a real server, nothing from anywhere else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.chromium import EXECUTABLE, WITHIN, visiting
from tests.browser.graphiql import Graphiql
from tests.processes import KEY, Server, serving_process
from tests.system.directory import Outside, user_in

pytestmark = pytest.mark.skipif(EXECUTABLE is None, reason="there is no chromium on this machine")
expect.set_options(timeout=WITHIN)

BOB = 'subscription { bob: userRoles(userId: "bob") { user { roles { role { name } } } } }'
HEADERS = json.dumps({"Authorization": f"Bearer {KEY}"})


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A development server, in which Ada is in engineering, whose members are deployers."""
    with serving_process(tmp_path, "--dev") as server:
        with Outside(server.url) as outside:
            outside.tell(user_in("ada", "eng"), user_in("bob"))
            outside.role("deployer")
            outside.maps("eng", "deployer")
        yield server


@pytest.fixture
def graphiql(server: Server, tmp_path: Path) -> Iterator[Graphiql]:
    """The page of that server, open, and nothing done yet. In the end it must have kept to its policy and its host."""
    with visiting(server.url, tmp_path / "profile") as visit:
        graphiql = Graphiql(visit)
        graphiql.open()
        yield graphiql
        assert visit.wrong == []


def test_a_person_pastes_a_key_asks_and_watches_a_role_being_gained(graphiql: Graphiql, server: Server) -> None:
    expect(graphiql.page).to_have_title("Rolecast")
    expect(graphiql.status).to_contain_text("in the place of <your key> under “Headers”")
    expect(graphiql.headers).to_contain_text('"Bearer <your key>"')
    graphiql.run("Who")
    expect(graphiql.result).to_contain_text("in the place of <your key>")  # and nobody was asked
    graphiql.write(graphiql.headers, HEADERS)
    expect(graphiql.status).to_be_hidden()
    graphiql.shows_the_schema()
    graphiql.run("Who")
    expect(graphiql.result).to_contain_text('"deployer"')
    assert graphiql.visit.sockets == []

    graphiql.write(graphiql.query, BOB)
    graphiql.run()
    expect(graphiql.result).to_contain_text('"bob"')
    expect(graphiql.result).to_contain_text('"roles": []')
    with Outside(server.url) as outside:
        outside.tell(user_in("bob", "eng"))
        expect(graphiql.result).to_contain_text('"deployer"')
        outside.tell(user_in("bob"))
        expect(graphiql.result).to_contain_text('"roles": []')
    assert graphiql.visit.sockets == [server.url.replace("http", "ws") + "/graphql"]
    graphiql.press("Stop query")


def test_the_example_shows_role_changes_as_webhooks_make_them(graphiql: Graphiql, server: Server) -> None:
    graphiql.write(graphiql.headers, HEADERS)
    expect(graphiql.status).to_be_hidden()
    graphiql.run("Live")
    with Outside(server.url) as outside:
        for _ in range(100):  # from now on, it says: which is when the server listens, and only the server knows
            outside.tell(user_in("bob", "eng"), user_in("bob"))
            graphiql.page.wait_for_timeout(100)
            if '"roleChanges"' in graphiql.result.inner_text():
                break
    expect(graphiql.result).to_contain_text('"userId": "bob"')
    expect(graphiql.result).to_contain_text('"roleName": "deployer"')


def test_a_refused_key_is_called_that_and_the_right_one_mends_it(graphiql: Graphiql) -> None:
    graphiql.write(graphiql.headers, HEADERS.replace(KEY, "rk_of_somebody_else_and_not_of_this_server"))
    expect(graphiql.status).to_contain_text("refused")
    graphiql.write(graphiql.query, BOB)
    graphiql.run()
    expect(graphiql.result).to_contain_text("The socket was closed: 4403")
    expect(graphiql.result).not_to_contain_text("stack")
    refused = "Failed to load resource: the server responded with a status of 401 (Unauthorized)"
    assert [graphiql.visit.wrong.pop()] == [refused]  # which browsers say by themselves
    graphiql.write(graphiql.headers, HEADERS)
    expect(graphiql.status).to_be_hidden()
    graphiql.run()
    expect(graphiql.result).to_contain_text('"roles": []')


def test_the_key_is_forgotten_on_reload_unless_its_person_keeps_it(graphiql: Graphiql) -> None:
    graphiql.write(graphiql.headers, HEADERS)
    expect(graphiql.status).to_be_hidden()
    graphiql.run("Who")
    expect(graphiql.result).to_contain_text('"deployer"')
    assert "query Who" in graphiql.kept()
    assert KEY not in graphiql.kept()
    graphiql.open()
    expect(graphiql.status).to_be_visible()
    expect(graphiql.headers).to_contain_text("<your key>")

    graphiql.press("Open settings dialog")
    graphiql.page.get_by_role("button", name="On", exact=True).click()
    graphiql.page.keyboard.press("Escape")
    graphiql.write(graphiql.headers, HEADERS)
    expect(graphiql.status).to_be_hidden()
    graphiql.page.wait_for_function("key => JSON.stringify(localStorage).includes(key)", arg=KEY)
    graphiql.open()
    expect(graphiql.headers).to_contain_text(KEY)
    expect(graphiql.status).to_be_hidden()
    graphiql.shows_the_schema()


def test_a_query_of_the_past_is_asked_with_the_key_of_today(graphiql: Graphiql) -> None:
    graphiql.write(graphiql.headers, HEADERS)
    graphiql.run("Who")
    expect(graphiql.result).to_contain_text('"deployer"')
    graphiql.open()
    graphiql.write(graphiql.headers, HEADERS)
    expect(graphiql.status).to_be_hidden()
    graphiql.press("Show History")
    graphiql.page.get_by_role("button", name="Who", exact=True).click()
    expect(graphiql.headers).to_contain_text(KEY)
    graphiql.press("Add tab")
    expect(graphiql.headers).to_contain_text(KEY)


def test_in_production_a_browser_gets_what_every_client_gets(tmp_path: Path) -> None:
    with serving_process(tmp_path) as server, visiting(server.url, tmp_path / "profile") as visit:
        response = visit.page.goto("/graphql")
        assert response is not None
        assert response.status == 401
        assert response.headers["content-type"].startswith("application/json")
        assert "UNAUTHENTICATED" in visit.page.content()
