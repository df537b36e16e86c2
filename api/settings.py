"""The configuration: one frozen object from the environment, which refuses to be half-configured."""

from __future__ import annotations

from typing import Self

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from api.signing import Secret
from api.values import (
    ApiSecret,
    DatabaseUrl,
    Folder,
    JwksUrl,
    JwtSecrets,
    LogFormat,
    LogLevel,
    Origins,
    PostgresqlUrl,
    WebhookSecrets,
    with_driver,
)
from schema.problems import Problem


class Misconfigured(Problem):
    """The environment does not say what Rolecast needs; the message says what to set."""


class Settings(BaseSettings):
    """What the environment decides. A test holds the README's table equal to this, in names, defaults and meanings."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", hide_input_in_errors=True, populate_by_name=True, env_ignore_empty=True
    )

    database_url: DatabaseUrl = Field(
        SecretStr("sqlite:///rolecast.db"),
        validation_alias="DATABASE_URL",
        description="Where everything is kept: `sqlite:///file` or `postgresql://user:password@host/name`.",
    )
    listen_url: PostgresqlUrl | None = Field(
        None,
        validation_alias="DATABASE_LISTEN_URL",
        description="PostgreSQL itself for LISTEN, where `DATABASE_URL` is a transaction pooler (PgBouncer).",
    )
    read_url: PostgresqlUrl | None = Field(
        None,
        validation_alias="DATABASE_READ_URL",
        description="A read replica for queries; what is written, followed or authenticated asks `DATABASE_URL`.",
    )
    host: str = Field("127.0.0.1", validation_alias="HOST", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, validation_alias="PORT", description="Port to listen on.")
    workers: int = Field(
        1, ge=1, le=64, validation_alias="WEB_CONCURRENCY", description="Processes to serve with; SQLite takes one."
    )
    webhook_secrets: WebhookSecrets = Field(
        (),
        validation_alias="ROLECAST_WEBHOOK_SECRETS",
        description="Signing secrets (`whsec_…`) that are valid now, separated by spaces; two during a rotation.",
    )
    api_key: ApiSecret | None = Field(
        None,
        validation_alias="ROLECAST_API_KEY",
        description="A first API key: environment-wide, may write. At least 24 characters.",
    )
    allowed_origins: Origins = Field(
        (),
        validation_alias="ROLECAST_ALLOWED_ORIGINS",
        description="Origins of frontends that may call `/graphql` from a browser, separated by spaces.",
    )
    jwt_secrets: JwtSecrets = Field(
        (),
        validation_alias="ROLECAST_JWT_SECRET",
        description="Secrets of user tokens (HS256), of 32 bytes or more, separated by spaces. Not beside the next.",
    )
    jwks_url: JwksUrl | None = Field(
        None,
        validation_alias="ROLECAST_JWKS_URL",
        description="Where the public keys of user tokens are (RS256, ES256, EdDSA); `https`, or a loopback address.",
    )
    jwt_issuer: str | None = Field(
        None, validation_alias="ROLECAST_JWT_ISSUER", description="The `iss` that a user token must have, if set."
    )
    jwt_audience: str | None = Field(
        None, validation_alias="ROLECAST_JWT_AUDIENCE", description="The `aud` that a user token must have, if set."
    )
    failed_credentials: int = Field(
        30,
        ge=1,
        validation_alias="ROLECAST_MAX_FAILED_CREDENTIALS",
        description="Unknown credentials that one address may try in a minute; then it waits, and gets 429.",
    )
    forwarded_allow_ips: str = Field(
        "127.0.0.1",
        validation_alias="FORWARDED_ALLOW_IPS",
        description="Proxies whose `X-Forwarded-For` is believed, separated by commas.",
    )
    introspection: bool = Field(
        True, validation_alias="ROLECAST_INTROSPECTION", description="Whether the schema may be asked for."
    )
    graphiql: bool = Field(
        False,
        validation_alias="ROLECAST_GRAPHIQL",
        description="Whether a browser at `/graphql` gets GraphiQL; `serve --dev` turns it on.",
    )
    trusted_documents: Folder | None = Field(
        None,
        validation_alias="ROLECAST_TRUSTED_DOCUMENTS",
        description="A folder of `.graphql` files or manifests: only their operations run. Without it, any does.",
    )
    max_depth: int = Field(
        15, ge=1, le=50, validation_alias="ROLECAST_MAX_DEPTH", description="How deep fields of a document may nest."
    )
    max_aliases: int = Field(
        50, ge=0, le=1000, validation_alias="ROLECAST_MAX_ALIASES", description="Aliases in a document."
    )
    max_root_fields: int = Field(
        20, ge=1, le=1000, validation_alias="ROLECAST_MAX_ROOT_FIELDS", description="Root fields of an operation."
    )
    max_tokens: int = Field(
        5000, ge=100, le=100_000, validation_alias="ROLECAST_MAX_TOKENS", description="Words and signs of a document."
    )
    max_nodes: int = Field(
        20_000,
        ge=1,
        validation_alias="ROLECAST_MAX_NODES",
        description="Objects that an answer may hold: as `first` and usual lists would have it, and as it is.",
    )
    max_body_bytes: int = Field(
        1_048_576,
        ge=1024,
        le=1 << 24,
        validation_alias="ROLECAST_MAX_BODY_BYTES",
        description="Bytes of a GraphQL request's body, or of a WebSocket message.",
    )
    max_subscriptions: int = Field(
        100, ge=1, le=1000, validation_alias="ROLECAST_MAX_SUBSCRIPTIONS", description="Operations live on one socket."
    )
    max_sockets: int = Field(
        5000,
        ge=1,
        validation_alias="ROLECAST_MAX_SOCKETS",
        description="WebSockets and event streams that one credential may hold open in a process.",
    )
    log_level: LogLevel = Field(
        "info", validation_alias="ROLECAST_LOG_LEVEL", description="`debug`, `info`, `warning` or `error`."
    )
    log_format: LogFormat = Field(
        "json",
        validation_alias="ROLECAST_LOG_FORMAT",
        description="`json`, a line an entry, or `text`; `serve --dev` takes text.",
    )
    tracing: bool = Field(
        False,
        validation_alias="ROLECAST_TRACING",
        description="Send OpenTelemetry spans of operations to where the standard `OTEL_…` variables say.",
    )
    queue_size: int = Field(
        4096,
        ge=1,
        le=1_000_000,
        validation_alias="ROLECAST_QUEUE_SIZE",
        description="Events that may wait for the writer before the webhook answers 503.",
    )

    @model_validator(mode="after")
    def _one_way_to_sign(self) -> Self:
        if self.jwt_secrets and self.jwks_url is not None:
            raise ValueError("set ROLECAST_JWT_SECRET or ROLECAST_JWKS_URL, not both")
        return self

    @model_validator(mode="after")
    def _one_process_a_file(self) -> Self:
        if self.workers > 1 and self.url.startswith("sqlite"):
            raise ValueError("WEB_CONCURRENCY above 1 needs PostgreSQL: a SQLite file is served by one process")
        return self

    @property
    def url(self) -> str:
        """The database's URL as SQLAlchemy takes it, with psycopg 3 for PostgreSQL."""
        return with_driver(self.database_url)

    @property
    def listening_url(self) -> str:
        """Where to LISTEN, as SQLAlchemy takes it."""
        return self.url if self.listen_url is None else with_driver(self.listen_url)

    @property
    def replica_url(self) -> str | None:
        """The read replica's URL as SQLAlchemy takes it."""
        return None if self.read_url is None else with_driver(self.read_url)

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
        beside = [
            name
            for name, value in (("DATABASE_LISTEN_URL", self.listen_url), ("DATABASE_READ_URL", self.read_url))
            if value is not None
        ]
        if beside and self.url.startswith("sqlite"):
            raise Misconfigured(f"{' and '.join(beside)} must be unset where DATABASE_URL is SQLite's")


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
