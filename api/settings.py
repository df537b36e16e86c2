"""The configuration: one frozen object from the environment, which refuses to be half-configured."""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from api.signing import Secret
from schema.problems import Problem

Words = Annotated[tuple[str, ...], NoDecode]
Secrets = Annotated[tuple[SecretStr, ...], NoDecode]
DATABASE = re.compile(r"sqlite:///|(postgres|postgresql|postgresql\+psycopg)://")


class Misconfigured(Problem):
    """The environment does not say what Rolecast needs; the message says what to set."""


class Settings(BaseSettings):
    """What the environment decides. A test holds the README's table equal to this, in names, defaults and meanings."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True, populate_by_name=True)

    database_url: SecretStr = Field(
        SecretStr("sqlite:///rolecast.db"),
        validation_alias="DATABASE_URL",
        description="Where everything is kept: `sqlite:///file` or `postgresql://user:password@host/name`.",
    )
    host: str = Field("127.0.0.1", validation_alias="HOST", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, validation_alias="PORT", description="Port to listen on.")
    workers: int = Field(
        1, ge=1, le=64, validation_alias="WEB_CONCURRENCY", description="Processes to serve with; SQLite takes one."
    )
    webhook_secrets: Secrets = Field(
        (),
        validation_alias="ROLECAST_WEBHOOK_SECRETS",
        description="Signing secrets (`whsec_…`) that are valid now, separated by spaces; two during a rotation.",
    )
    api_key: SecretStr | None = Field(
        None,
        validation_alias="ROLECAST_API_KEY",
        description="A first API key: environment-wide, may write. At least 24 characters.",
    )
    allowed_origins: Words = Field(
        (),
        validation_alias="ROLECAST_ALLOWED_ORIGINS",
        description="Origins of frontends that may call `/graphql` from a browser, separated by spaces.",
    )
    log_level: str = Field(
        "info", validation_alias="ROLECAST_LOG_LEVEL", description="`debug`, `info`, `warning` or `error`."
    )
    queue_size: int = Field(
        4096,
        ge=1,
        le=1_000_000,
        validation_alias="ROLECAST_QUEUE_SIZE",
        description="Events that may wait for the writer before the webhook answers 503.",
    )

    @field_validator("webhook_secrets", "allowed_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(value.split()) if isinstance(value, str) else value

    @field_validator("database_url", mode="after")
    @classmethod
    def _known_database(cls, value: SecretStr) -> SecretStr:
        if not DATABASE.match(value.get_secret_value()):
            raise ValueError("must begin with sqlite:/// or postgresql://")
        try:
            url = make_url(value.get_secret_value())
        except (ArgumentError, ValueError):
            raise ValueError("is not a database URL; a password's special characters must be %-encoded") from None
        if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
            raise ValueError("must name a file, such as sqlite:///rolecast.db")
        return value

    @field_validator("log_level", mode="after")
    @classmethod
    def _known_level(cls, value: str) -> str:
        if value.lower() not in {"debug", "info", "warning", "error"}:
            raise ValueError("must be debug, info, warning or error")
        return value.lower()

    @field_validator("webhook_secrets", mode="after")
    @classmethod
    def _usable(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for secret in value:
            Secret(secret.get_secret_value())
        return value

    @field_validator("api_key", mode="after")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < 24:
            raise ValueError("an API key has at least 24 characters; make one with: python -m api secret new --api-key")
        return value

    @model_validator(mode="after")
    def _one_process_a_file(self) -> Self:
        if self.workers > 1 and self.url.startswith("sqlite"):
            raise ValueError("WEB_CONCURRENCY above 1 needs PostgreSQL: a SQLite file is served by one process")
        return self

    @property
    def url(self) -> str:
        """The database's URL as SQLAlchemy takes it, with psycopg 3 for PostgreSQL."""
        text = self.database_url.get_secret_value()
        for prefix in ("postgresql://", "postgres://"):
            text = text.replace(prefix, "postgresql+psycopg://", 1) if text.startswith(prefix) else text
        return text

    def signing_secrets(self) -> tuple[Secret, ...]:
        """The webhook secrets, ready to verify with."""
        return tuple(Secret(secret.get_secret_value()) for secret in self.webhook_secrets)

    def must_be_complete(self) -> None:
        """Raise Misconfigured unless a server may start with this."""
        missing = [
            name
            for name, value in (("ROLECAST_WEBHOOK_SECRETS", self.webhook_secrets), ("ROLECAST_API_KEY", self.api_key))
            if not value
        ]
        if missing:
            raise Misconfigured(
                f"{' and '.join(missing)} must be set to serve; make values with `python -m api secret new`, "
                "or start with `serve --dev` to have made-up ones"
            )


def load_settings(**overrides: object) -> Settings:
    """The settings of this process's environment; raise Misconfigured naming each variable that is wrong."""
    try:
        return Settings(**overrides)  # type: ignore[arg-type]  # validated by pydantic, whatever it is
    except ValidationError as error:
        wrong = [
            f"{'.'.join(str(part) for part in each['loc']) or 'settings'}: {each['msg'].removeprefix('Value error, ')}"
            for each in error.errors()
        ]
        raise Misconfigured("; ".join(wrong)) from None
