"""A database's URL: what is refused in it, how SQLAlchemy takes it, and what the driver makes of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from psycopg.pq import Conninfo
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

SQLITE = re.compile(r"sqlite(?=:///)", re.IGNORECASE)
POSTGRESQL = re.compile(r"postgres(ql(\+psycopg)?)?://", re.IGNORECASE)
DRIVEN = "postgresql+psycopg://"
# As libpq divides it.
PARTS = re.compile(
    r"(?P<account>(?:[^@/?]*@)?)(?P<hosts>[^/?]*)(?P<database>[^?]*)(?P<options>(?:\?[^=@/]+=.*)?)", re.DOTALL
)
# As SQLAlchemy does: a password may hold all but "@".
LENIENT = re.compile(
    r"(?P<account>(?:[^:/]*(?::[^@]*)?@)?)(?P<hosts>[^/?]*)(?P<database>[^?]*)(?P<options>.*)", re.DOTALL
)
PLACE = re.compile(r"(?P<host>\[[^\[\]]+\]|[^:\[\]]*)(?::(?P<port>.*))?", re.DOTALL)
PORT = re.compile(r"[0-9]{1,5}")
OF_THE_DRIVER = {"prepare_threshold"}  # psycopg's own, which libpq does not know
NUMBERS = (
    "connect_timeout",
    "tcp_user_timeout",
    "keepalives",
    *(f"keepalives_{of}" for of in ("idle", "interval", "count")),
)
NUMBER = re.compile(r"-?[0-9]{1,9}")
SECRET = re.compile("password|secret|scram")
NO_URL = "is not a database URL; a password's special characters must be %-encoded"
NO_PORT = "has a port that is no number; a password's special characters must be %-encoded"
NO_MATCH = "has a port that is no number, or not as many ports as hosts; write host1:5432,host2:5432"


def normal(text: str) -> str:
    """The URL as SQLAlchemy takes it, with psycopg 3 for PostgreSQL, from any form that libpq or SQLAlchemy knows.

    Raises ValueError, in words that show nothing of the password, for what is no URL of a database that can be used.
    """
    text = text.strip()  # a secret's file ends with a newline
    if SQLITE.match(text):
        return _with_file(SQLITE.sub("sqlite", text, count=1))
    if (scheme := POSTGRESQL.match(text)) is None:
        raise ValueError("must begin with sqlite:/// or postgresql://")
    try:
        url = _placed(text[scheme.end() :])
        given = arguments(url)
    except (ArgumentError, TypeError):
        raise ValueError(NO_URL) from None
    _must_be_known(given)
    return url.render_as_string(hide_password=False)


def arguments(url: str | URL) -> dict[str, Any]:
    """What psycopg is to be given for a URL of SQLAlchemy's: the very same as SQLAlchemy gives it.

    Raises ValueError when the options of hosts and ports cannot be told apart.
    """
    parsed = make_url(url)
    try:
        _, given = parsed.get_dialect()().create_connect_args(parsed)
    except (ArgumentError, ValueError):
        raise ValueError(NO_MATCH) from None
    return dict(given)


def without_password(url: str) -> str:
    """A URL of SQLAlchemy's as a person may write it: without the driver, and with stars for the password."""
    parsed = make_url(url)
    hidden = {name: "***" for name in parsed.query if SECRET.search(name)}
    return parsed.set(drivername=parsed.get_backend_name()).update_query_dict(hidden).render_as_string()


def _with_file(text: str) -> str:
    try:
        file = make_url(text).database
    except (ArgumentError, ValueError):
        raise ValueError("is not a database URL") from None
    if file in (None, "", ":memory:"):
        raise ValueError("must name a file, such as sqlite:///rolecast.db")
    return text


def _placed(text: str) -> URL:
    """The URL whose text after the scheme this is; lists of hosts and sockets in the host's place become options."""
    refusal = NO_URL
    for parts in filter(None, (each.fullmatch(text) for each in (PARTS, LENIENT))):
        if "@" not in parts["hosts"] + parts["database"]:
            places = [_place(each) for each in parts["hosts"].split(",")]
            if None not in places:
                # The slash keeps SQLAlchemy from taking an option's "@" for the end of a user's name.
                rest = DRIVEN + parts["account"] + (parts["database"] or "/") + parts["options"]
                return _at(make_url(rest), [each for each in places if each], encoded="%" in parts["hosts"])
            refusal = NO_PORT
    raise ValueError(refusal)


def _place(text: str) -> tuple[str, str] | None:
    """Host and port of `host:port`, either of which may be empty; None when that is none."""
    found = PLACE.fullmatch(text)
    if found is None or (found["port"] and not PORT.fullmatch(found["port"])):
        return None
    return unquote(found["host"].strip("[]")), found["port"] or ""


def _at(url: URL, places: list[tuple[str, str]], *, encoded: bool) -> URL:
    """The URL with its hosts: one by its name as such, else as the options that SQLAlchemy has for it."""
    (host, port), *others = places
    if not others and not encoded:
        return url.set(host=host or None, port=int(port) if port else None)
    hosts, ports = (",".join(each) for each in zip(*places, strict=True))
    if "host" in url.query or (ports.strip(",") and "port" in url.query):
        raise ValueError("has hosts or ports in two places; leave out the options host and port")
    return url.update_query_dict({"host": hosts} | ({"port": ports} if ports.strip(",") else {}))


def _must_be_known(given: Mapping[str, Any]) -> None:
    """Raise ValueError for options that would be found wrong at every connection, and not before."""
    known = {each.keyword.decode() for each in Conninfo.get_defaults()} | OF_THE_DRIVER
    for name, value in given.items():
        if name not in known:
            raise ValueError(f"has the option {name}, which PostgreSQL does not know; leave it out")
        if not isinstance(value, str | int):
            raise ValueError(f"has the option {name} more than once")
        if name in NUMBERS and not NUMBER.fullmatch(str(value)):
            raise ValueError(f"has the option {name}, which must be a whole number")
