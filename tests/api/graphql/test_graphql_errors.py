"""What a client gets to see of an exception, and what the log does."""

from __future__ import annotations

import datetime
import json
import logging

import pytest
from graphql import GraphQLError, located_error

from api.graphql.errors import field_errors, refusal, request_errors
from api.graphql.wire import encode
from schema.problems import BadInput, Conflict, NotFound, Unavailable


def test_a_problem_is_its_sentence_and_code_and_its_detail_stays_here(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    assert refusal(Conflict("no", detail="row 7")) == {"message": "no", "extensions": {"code": "CONFLICT"}}
    assert "row 7" in caplog.text


def test_of_a_detail_the_log_has_the_first_line_for_the_rest_is_of_the_row(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    refusal(Conflict("no", detail="refused by no_ada\nDETAIL:  Failing row contains (ada)"))
    assert "refused by no_ada" in caplog.text
    assert "Failing row" not in caplog.text


def test_what_may_be_sent_again_says_when() -> None:
    assert refusal(Unavailable("busy", retry_after=3))["extensions"] == {"code": "UNAVAILABLE", "retryAfter": 3}


def test_one_exception_that_broke_several_fields_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    bug, other = KeyError("secret"), KeyError("secret")
    raised = [located_error(bug, path=["a", n]) for n in range(3)] + [located_error(other, path=["b"])]
    answers = field_errors(raised)
    assert len({answer["extensions"]["reference"] for answer in answers}) == 2
    assert [answer["path"] for answer in answers] == [["a", 0], ["a", 1], ["a", 2], ["b"]]
    assert len(caplog.records) == 2
    assert "secret" not in json.dumps(answers)


def test_a_problem_is_found_beneath_several_wrappings() -> None:
    error = located_error(located_error(NotFound("gone"), path=["a"]), path=["a"])
    assert field_errors([error])[0]["extensions"] == {"code": "NOT_FOUND"}


def test_a_scalar_that_refuses_a_variable_with_a_problem_keeps_its_code() -> None:
    (answer,) = request_errors([GraphQLError("variable $x: no", original_error=BadInput("no"))])
    assert answer == {"message": "variable $x: no", "extensions": {"code": "BAD_INPUT"}}


def test_an_answer_that_json_cannot_say_is_an_internal_error() -> None:
    answer = json.loads(encode({"data": {"x": object()}}))
    assert answer["data"] is None
    assert answer["errors"][0]["extensions"]["code"] == "INTERNAL"


def test_encoding_is_utf_8_and_has_no_words_that_json_lacks() -> None:
    assert (
        encode({"data": {"a": "é", "b": float("nan"), "c": 2**70}})
        == '{"data":{"a":"é","b":null,"c":1180591620717411303424}}'.encode()
    )
    assert encode({"data": datetime.date(2024, 2, 29)}) == b'{"data":"2024-02-29"}'
