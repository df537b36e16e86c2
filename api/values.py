"""What a single setting may say: each type refuses what cannot be meant, in words for whoever set it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr
from pydantic_settings import NoDecode

from api.database_url import POSTGRESQL, normal
from api.logs import LEVELS
from api.signing import Secret

LOOPBACK = ("127.0.0.1", "::1", "localhost")
DEFAULT_PORTS = {"http": 80, "https": 443}


def _words(value: object) -> object:
    return tuple(value.split()) if isinstance(value, str) else value


def _known_database(value: SecretStr) -> SecretStr:
    normal(value.get_secret_value())
    return value


def _of_postgresql(value: SecretStr) -> SecretStr:
    if not POSTGRESQL.match(value.get_secret_value().strip()):
        raise ValueError("must begin with postgresql://")
    return _known_database(value)


def with_driver(url: SecretStr) -> str:
    """A database's URL as SQLAlchemy takes it, with psycopg 3 for PostgreSQL."""
    return normal(url.get_secret_value())


def _usable_secrets(value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    for secret in value:
        Secret(secret.get_secret_value())
    return value


def _long_enough(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value()) < 24:
        raise ValueError("an API key has at least 24 characters; make one with: python -m api secret new --api-key")
    return value


def _beyond_guessing(value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    if any(len(secret.get_secret_value().encode()) < 32 for secret in value):  # RFC 7518, 3.2: MUST
        raise ValueError("HS256 needs a secret of at least 32 bytes, without spaces in it")
    return value


def _not_in_the_clear(value: str) -> str:
    url = urlsplit(value)
    if url.hostname is None or (url.scheme != "https" and not (url.scheme == "http" and url.hostname in LOOPBACK)):
        raise ValueError("must begin with https://, or be http:// on a loopback address")
    if "@" in url.netloc:
        raise ValueError("must be without user name and password")
    return value


def _origins(value: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(each if each == "*" else _origin(each) for each in value)


def _origin(value: str) -> str:
    """As browsers send it (RFC 6454, 6.1): lower case, without what is the default."""
    try:
        url = urlsplit(value)
        port = url.port
    except ValueError:
        url, port = urlsplit(""), None
    bare = url.path in ("", "/") and not set(value) & set("?#@*")
    if not (url.scheme and url.hostname and bare and value.isascii()):
        raise ValueError("must be origins such as https://app.example, in ASCII and without path or name; or * for all")
    host = f"[{url.hostname}]" if ":" in url.hostname else url.hostname
    return f"{url.scheme}://{host}" + ("" if port in (None, DEFAULT_PORTS.get(url.scheme)) else f":{port}")


def _readable(value: Path) -> Path:
    if not value.is_dir():
        raise ValueError("must be a folder that can be read")
    return value


def _known_format(value: str) -> str:
    if value.lower() not in ("json", "text"):
        raise ValueError("must be json or text")
    return value.lower()


def _known_level(value: str) -> str:
    if value.lower() not in LEVELS:
        raise ValueError("must be debug, info, warning or error")
    return value.lower()


DatabaseUrl = Annotated[SecretStr, AfterValidator(_known_database)]
PostgresqlUrl = Annotated[SecretStr, AfterValidator(_of_postgresql)]
WebhookSecrets = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_words), AfterValidator(_usable_secrets)]
ApiSecret = Annotated[SecretStr, AfterValidator(_long_enough)]
JwtSecrets = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_words), AfterValidator(_beyond_guessing)]
JwksUrl = Annotated[str, AfterValidator(_not_in_the_clear)]
Origins = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words), AfterValidator(_origins)]
Folder = Annotated[Path, AfterValidator(_readable)]
LogFormat = Annotated[str, AfterValidator(_known_format)]
LogLevel = Annotated[str, AfterValidator(_known_level)]
