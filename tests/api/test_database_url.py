"""A database's URL: the forms that libpq and SQLAlchemy know are read alike, and what cannot be used is refused."""

from __future__ import annotations

import pytest
from sqlalchemy.engine import make_url

from api.database_url import arguments, normal, without_password
from api.engines import over_the_network
from api.settings import Misconfigured, Settings, load_settings

HUSH = "hush"
ADA = {"user": "ada", "host": "db", "dbname": "roles"}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("postgresql://ada@db/roles", ADA),
        (" postgresql://ada@db/roles\n", ADA),
        ("POSTGRESQL://ada@db/roles", ADA),
        ("Postgres://ada@db/roles", ADA),
        ("postgresql+psycopg://ada@db/roles", ADA),
        ("postgresql://ada@db:1/roles", ADA | {"port": 1}),
        (
            "postgresql://ada:p%40ss%3Aw%2Fo%3Fr%23d%2525%20%2B%C3%A9%26%3D@db/roles",
            ADA | {"password": "p@ss:w/o?r#d%25 +é&="},
        ),
        ("postgresql://ada:100%sure+x@db/roles", ADA | {"password": "100%sure+x"}),
        ("postgresql://ada:ab/cd@db/roles", ADA | {"password": "ab/cd"}),
        ("postgresql://ada:12/cd?e@db/roles", ADA | {"password": "12/cd?e"}),
        ("postgresql://ada@tenant:ab@db/roles", ADA | {"user": "ada@tenant", "password": "ab"}),
        ("postgresql://ada%40x%2Fy@db/my%20roles%2Fx", ADA | {"user": "ada@x/y", "dbname": "my roles/x"}),
        ("postgresql://db:1/roles?user=ada&application_name=a:b@c", ADA | {"port": 1, "application_name": "a:b@c"}),
        ("postgresql://db?application_name=a@b", {"host": "db", "application_name": "a@b"}),
        ("postgresql://?service=roles", {"service": "roles"}),
        ("postgresql://", {}),
        ("postgresql://ada@[::1]:1/roles", ADA | {"host": "::1", "port": 1}),
        ("postgresql://ada@%2Fsocket%2Fdir/roles", ADA | {"host": "/socket/dir"}),
        ("postgresql://ada@%2Fsocket%2Fdir:1/roles", ADA | {"host": "/socket/dir", "port": "1"}),
        ("postgresql://ada@/roles?host=/socket&port=1", ADA | {"host": "/socket", "port": "1"}),
        (
            "postgresql://ada@h1:1,h2:5432/roles?target_session_attrs=read-write",
            ADA | {"host": "h1,h2", "port": "1,5432", "target_session_attrs": "read-write"},
        ),
        ("postgresql://ada@h1,[::1]:5432/roles", ADA | {"host": "h1,::1", "port": ",5432"}),
        ("postgresql://ada@h1,h2/roles", ADA | {"host": "h1,h2", "port": ","}),  # libpq: each the default
        ("postgresql://ada@/roles?host=h1,h2&port=1,2", ADA | {"host": "h1,h2", "port": "1,2"}),
        ("postgresql://ada@/roles?host=h1:1&host=h2:2", ADA | {"host": "h1,h2", "port": "1,2"}),
        ("postgresql://ada@db/roles?options=-c+search_path%3Dx", ADA | {"options": "-c search_path=x"}),
        ("postgresql://ada@db/roles?prepare_threshold=0", ADA | {"prepare_threshold": "0"}),
    ],
)
def test_every_usual_form_is_read(given: str, told: dict[str, object]) -> None:
    url = normal(given)
    assert {name: value for name, value in arguments(url).items() if value != ""} == told
    assert normal(url) == url


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (f"mysql://ada:{HUSH}@db/roles", "must begin with sqlite:/// or postgresql://"),
        (f"postgresql+asyncpg://ada:{HUSH}@db/roles", "must begin with sqlite:/// or postgresql://"),
        (f"postgresql://ada:x@{HUSH}@db/roles", "special characters must be %-encoded"),
        (f"postgresql://ada:x@y/{HUSH}@db/roles", "special characters must be %-encoded"),
        (f"postgresql://ada:{HUSH}", "a port that is no number"),
        (f"postgresql://ada:{HUSH}@db:5432x/roles", "a port that is no number"),
        (f"postgresql://ada:{HUSH}@db:-1/roles", "a port that is no number"),
        (f"postgresql://ada:{HUSH}@[::1/roles", "special characters must be %-encoded"),
        (f"postgresql://ada:{HUSH}@h1:1,h2:x/roles", "a port that is no number"),
        (f"postgresql://ada:{HUSH}@h1,h2/roles?host=h3", "hosts or ports in two places"),
        (f"postgresql://ada:{HUSH}@/roles?host=h1,h2&port=1,2,3", "not as many ports as hosts"),
        (f"postgresql://ada:{HUSH}@db/roles?port=x", "a port that is no number"),
        (f"postgresql://ada:{HUSH}@db/roles?pgbouncer=true", "the option pgbouncer, which PostgreSQL does not know"),
        (f"postgresql://ada:{HUSH}@db/roles?sslmode=require&sslmode=prefer", "the option sslmode more than once"),
        (f"postgresql://ada:{HUSH}@db/roles?connect_timeout=5s", "the option connect_timeout, which must be a whole"),
        (f"postgresql://ada:{HUSH}@db/roles?keepalives_idle=x", "the option keepalives_idle, which must be a whole"),
        ("sqlite://", "must begin with"),
        ("sqlite:///", "must name a file"),
        ("SQLite:///:memory:", "must name a file"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words_that_show_no_password(
    given: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", given)
    with pytest.raises(Misconfigured, match="DATABASE_URL: ") as refused:
        load_settings()
    assert why in str(refused.value)
    assert HUSH not in str(refused.value)
    assert str(refused.value).count("\n") == 0


@pytest.mark.parametrize("name", ["DATABASE_LISTEN_URL", "DATABASE_READ_URL"])
def test_the_other_urls_are_checked_alike_and_are_of_postgresql(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for given, why in (
        ("sqlite:///copy.db", "must begin with postgresql://"),
        ("http://db/roles", "must begin with postgresql://"),
        ("postgresql://ada@db/roles?pgbouncer=true", "the option pgbouncer"),
    ):
        monkeypatch.setenv(name, given)
        with pytest.raises(Misconfigured, match=f"{name}: .*{why}"):
            load_settings()


@pytest.mark.parametrize("name", ["DATABASE_LISTEN_URL", "DATABASE_READ_URL"])
def test_a_server_on_sqlite_is_refused_the_other_urls_and_a_command_on_a_backup_is_not(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "postgresql://ada@db/roles")
    monkeypatch.setenv("ROLECAST_WEBHOOK_SECRETS", "whsec_c2l4dGVlbiBieXRlcyBhdCBsZWFzdCE=")
    monkeypatch.setenv("ROLECAST_API_KEY", "rk_a_key_for_the_tests_and_nothing_else")
    monkeypatch.setenv("DATABASE_URL", "postgresql://ada@db/roles")
    load_settings().must_be_complete()
    monkeypatch.setenv("DATABASE_URL", "sqlite:///backup.db")
    settings = load_settings()
    with pytest.raises(Misconfigured, match=f"{name} must be unset where DATABASE_URL is SQLite's"):
        settings.must_be_complete()


def test_sqlite_is_read_however_its_name_is_written() -> None:
    assert normal(" SQLite:///Some File.db\n") == "sqlite:///Some File.db"
    assert Settings.model_fields["database_url"].default.get_secret_value() == normal("sqlite:///rolecast.db")


def test_the_url_knows_its_network_better_than_we_do() -> None:
    ours = over_the_network(normal("postgresql://ada@db/roles"))
    assert {"connect_timeout", "keepalives_idle", "tcp_user_timeout"} < ours.keys()
    theirs = over_the_network(
        normal("postgresql://ada@db/roles?connect_timeout=30&tcp_user_timeout=0&prepare_threshold=5")
    )
    assert theirs == {name: ours[name] for name in ours.keys() - {"connect_timeout", "tcp_user_timeout"}}
    assert theirs["prepare_threshold"] is None, "a pooler between the transactions keeps nothing prepared"


def test_a_url_is_shown_without_driver_and_without_password() -> None:
    shown = without_password(normal(f"postgresql://ada:{HUSH}@h1:1,h2:2/roles?sslpassword={HUSH}"))
    assert HUSH not in shown
    assert shown.startswith("postgresql://ada:***@")
    assert make_url(shown).query["host"] == "h1,h2"
    assert without_password("sqlite:///backup.db") == "sqlite:///backup.db"
