"""How the log reads: a JSON object a line, or text for a person; ids only, never what an event says of people."""

from __future__ import annotations

from typing import Any

from pythonjsonlogger.core import RESERVED_ATTRS

LEVELS = ("debug", "info", "warning", "error")

FORMATS: dict[str, dict[str, Any]] = {
    "json": {
        "()": "pythonjsonlogger.msgspec.MsgspecFormatter",
        "fmt": ["levelname", "name", "message"],
        "style": "sequence",
        "timestamp": "time",  # RFC 3339, UTC
        "rename_fields": {"levelname": "level", "name": "logger"},
        "reserved_attrs": [*RESERVED_ATTRS, "color_message"],  # uvicorn's message once more, for a terminal
    },
    "text": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
}


OURS = ("rolecast", "api", "schema")
# Below INFO, libraries tell what passes through them: handshakes with their credentials, frames, headers.
NOT_BELOW = "info"
# httpx tells, at INFO, each URL whole; the one that it fetches may have a secret in its query.
QUIET = ("httpx", "httpcore")


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


def level_of_server(level: str) -> str:
    """What uvicorn sets its loggers to by itself, at the same setting; never below INFO."""
    return _at_least(NOT_BELOW, level)


def _at_least(bound: str, level: str) -> str:
    return max(bound, level, key=LEVELS.index)
