"""Who gets GraphiQL: `serve --dev` turns it on and says where; the environment has the last word."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.processes import SECRETS, serving_process

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"}


@pytest.mark.parametrize(
    ("arguments", "environment", "shown"),
    [
        (["--dev"], {}, True),
        (["--dev"], {"ROLECAST_GRAPHIQL": "false"}, False),
        ([], {}, False),
        ([], {"ROLECAST_GRAPHIQL": "true"}, True),
    ],
)
def test_graphiql_is_there_in_development_or_where_it_is_asked_for(
    arguments: list[str], environment: dict[str, str], shown: bool, tmp_path: Path
) -> None:
    with serving_process(tmp_path, *arguments, environment=SECRETS | environment) as server:
        answer = httpx.get(f"{server.url}/graphql", headers=BROWSER)
        assert (answer.status_code, answer.headers["content-type"]) == (
            (200, "text/html; charset=utf-8") if shown else (401, "application/json; charset=utf-8")
        )
        greeted = f"{server.url}/graphql is GraphiQL" in server.log
        assert greeted == (shown and "--dev" in arguments)
