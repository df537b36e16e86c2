"""How the log reads: a JSON object a line, or text for a person; ids only, never what an event says of people."""

from __future__ import annotations

import logging
import sys
from copy import copy
from logging.config import dictConfig
from typing import Any

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.msgspec import MsgspecFormatter

from api.discretion import OF_A_DATABASE, safely, traced

LEVELS = ("debug", "info", "warning", "error")

FORMATS: dict[str, dict[str, Any]] = {
    "json": {
        "()": "api.logs.Lines",
        "fmt": ["levelname", "name", "message"],
        "style": "sequence",
        "timestamp": "time",  # RFC 3339, UTC
        "rename_fields": {"levelname": "level", "name": "logger"},
        "reserved_attrs": [*RESERVED_ATTRS, "color_message"],  # uvicorn's message once more, for a terminal
    },
    "text": {"()": "api.logs.Text", "fmt": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
}

OURS = ("rolecast", "api", "schema")
# Below INFO, libraries tell what passes through them: handshakes with their credentials, frames, headers.
NOT_BELOW = "info"
# httpx tells, at INFO, each URL whole; the one that it fetches may have a secret in its query.
QUIET = ("httpx", "httpcore")


class Text(logging.Formatter):
    """Writes a record without what its exceptions say of people: in its traceback, and in what it was given to say."""

    def format(self, record: logging.LogRecord) -> str:
        told = copy(record)
        told.exc_text = None  # from another handler, which kept it whole
        if isinstance(told.args, tuple):
            told.args = tuple(safely(each) if isinstance(each, OF_A_DATABASE) else each for each in told.args)
        if told.name == "asyncio" and told.levelno >= logging.ERROR:
            # "Task exception was never retrieved", and then the task with its exception as a program would write it
            told.msg, told.args = told.getMessage().partition("\n")[0].partition("(")[0], None
        elif isinstance(told.msg, str) and told.msg.startswith("Traceback "):
            # What ends a server as it starts or stops has uvicorn hand a whole traceback on, while it is being handled
            being_handled = sys.exception()
            told.msg, told.args = traced(being_handled) if being_handled else "an exception", None
        return super().format(told)

    def formatException(self, ei: Any) -> str:
        return traced(ei[1])


class Lines(Text, MsgspecFormatter):
    """The same, a JSON object a line."""


def log_config(form: str, level: str) -> dict[str, Any]:
    """The configuration of Python's logging for a server and each of its processes; `form` is "json" or "text".

    `level` is one of the settings'. "debug" is ours alone: whatever others say below INFO is nowhere written.
    """
    # uvicorn's own handlers would print every line of its twice
    uvicorns = {name: {"handlers": [], "propagate": True} for name in ("uvicorn", "uvicorn.error", "uvicorn.access")}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"rolecast": FORMATS[form]},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "rolecast"}},
        "root": {"level": _at_least(NOT_BELOW, level).upper(), "handlers": ["stderr"]},
        "loggers": uvicorns
        | {name: {"level": level.upper()} for name in OURS}
        | {name: {"level": _at_least("warning", level).upper()} for name in QUIET},
    }


def take_over(form: str, level: str) -> None:
    """Configure this process's logging; whether each request has a line stays as the server was told."""
    access = logging.getLogger("uvicorn.access")
    told = access.propagate or bool(access.handlers)
    dictConfig(log_config(form, level))
    access.propagate = told


def level_of_server(level: str) -> str:
    """What uvicorn sets its loggers to by itself, at the same setting; never below INFO."""
    return _at_least(NOT_BELOW, level)


def _at_least(bound: str, level: str) -> str:
    return max(bound, level, key=LEVELS.index)
