"""GraphiQL's page and files: for browsers alone, under a strict policy, and nothing beside them."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib.metadata import files
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.api.graphql.clients import AUTHORIZATION, WITHIN
from tests.api.graphql.throwaway import World, application
from tests.serving import serving

BROWSERS = (
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "text/html, */*",
)
OTHERS = (
    "",
    "*/*",
    "application/json",
    "application/graphql-response+json, application/json;q=0.9",
    "text/event-stream",
    "text/html, application/json;q=0.1",
    "text/html;q=0.5, */*",
    "text/html;q=0",
    "text/plain",
)


@pytest.fixture
def url(world: World) -> Iterator[str]:
    with serving(application(world, graphiql=True)) as base:
        yield base


def get(url: str, accept: str = BROWSERS[0], **more: str) -> httpx.Response:
    return httpx.get(url, headers={"Accept": accept} | more, timeout=WITHIN)


class Page(HTMLParser):
    """What a page loads, and what of it would be inline."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.inline: list[str] = []
        self._within: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self._within = tag
        self.loads += [value or "" for name, value in attributes if name in ("src", "href")]
        self.inline += [name for name, _ in attributes if name == "style" or name.startswith("on")]

    def handle_endtag(self, tag: str) -> None:
        self._within = None

    def handle_data(self, data: str) -> None:
        if self._within in ("script", "style"):
            self.inline.append(data)


def assets(url: str) -> list[str]:
    return Page(get(f"{url}/graphql").text).loads


@pytest.mark.parametrize("accept", BROWSERS)
def test_a_browser_gets_the_page_without_a_credential(url: str, accept: str) -> None:
    answer = get(f"{url}/graphql", accept)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["vary"] == "accept"
    assert answer.headers["cache-control"] == "no-store"
    assert "<title>Rolecast</title>" in answer.text


@pytest.mark.parametrize("accept", OTHERS)
def test_everyone_else_gets_what_they_get_without_graphiql(url: str, world: World, accept: str) -> None:
    with serving(application(world)) as plain:
        for headers in ({}, AUTHORIZATION):
            query = "/graphql?query={__typename}"
            expected, found = (get(base + query, accept, **headers) for base in (plain, url))
            assert (found.status_code, found.content) == (expected.status_code, expected.content)
            assert found.headers["content-type"] == expected.headers["content-type"]


def test_a_post_is_an_operation_whatever_it_accepts(url: str) -> None:
    headers = AUTHORIZATION | {"Accept": BROWSERS[0]}
    answer = httpx.post(f"{url}/graphql", json={"query": "{ __typename }"}, headers=headers, timeout=WITHIN)
    assert answer.json() == {"data": {"__typename": "Query"}}


def test_the_policy_allows_own_files_and_nothing_inline(url: str) -> None:
    headers = get(f"{url}/graphql").headers
    policy = dict(each.split(" ", 1) for each in headers["content-security-policy"].split("; "))
    style = policy.pop("style-src").split()
    assert style[0] == "'self'"
    assert all(re.fullmatch(r"'sha256-[\w+/]{43}='", each) for each in style[1:])
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "connect-src": "'self'",
        "img-src": "'self' data:",
        "font-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"


def test_the_page_has_nothing_inline_and_loads_files_of_this_server_that_may_be_kept(url: str) -> None:
    page = Page(get(f"{url}/graphql").text)
    assert page.inline == []
    assert len(page.loads) == 8
    kinds = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
    for path in page.loads:
        assert path.startswith("/graphql/graphiql/")
        answer = get(url + path, "*/*")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == kinds[Path(path).suffix]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert len(answer.content) > 100


def test_no_other_file_can_be_had(url: str) -> None:
    path = assets(url)[0]
    base = path.rpartition("/")[0]
    allowed = {each.rpartition("/")[2] for each in assets(url)}
    packaged = {each.name for each in files("graphene-django-graphiql-static") or ()} - allowed
    assert {"fetch.umd.js", "views.py"} <= packaged
    names = [*packaged, "", "page.html", "../page.html", "..%2fgraphiql.py", "%2e%2e/%2e%2e/app.py", "..\\page.html"]
    names += ["page.js/", "page.js%00", "PAGE.JS", "%2fetc%2fpasswd", "/etc/passwd", "../../../../../../etc/passwd"]
    others = [f"{base}/{name}" for name in names]
    others += [f"/graphql/graphiql/{'0' * 16}/page.js", "/graphql/graphiql/page.js", "/graphql/graphiql", "/graphql/"]
    for other in others:
        assert (other, raw(url, other)) in [(other, 404), (other, 307)]  # 307: Starlette's, to the path without slash


def raw(url: str, path: str) -> int:
    """The status of a GET of exactly that path, which a client would have tidied up."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=WITHIN)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def test_without_graphiql_its_files_do_not_exist(url: str, world: World) -> None:
    with serving(application(world)) as plain:
        assert {get(plain + path).status_code for path in assets(url)} == {404}
        assert get(f"{plain}/graphql").status_code == 401
