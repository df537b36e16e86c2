"""The command line: serve, keep the database, and what administrators do from a shell."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import Annotated

import typer

from api import check as checking
from api import rebuild as rebuilding
from api.catalogue_cli import catalogue
from api.compact_cli import compact
from api.copy_cli import copy_deployment
from api.development import FILE, FOLDER, known_secrets, new_webhook_secret, provide_secrets
from api.key_cli import keys
from api.logs import level_of_server, log_config
from api.metrics import counting_together
from api.migrate import migrate as migrate_database
from api.replaying import replay_rejected
from api.settings import Misconfigured, Settings, load_settings
from api.terminal import complain, console, database_at_hand, progress_of
from schema.credentials import new_api_key
from schema.kinds import Outcome
from schema.problems import BadInput, Problem

cli = typer.Typer(
    name="rolecast",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Keeps the roles of an application's users in step with their company's directory.",
)
secret = typer.Typer(no_args_is_help=True, help="Secrets.")
cli.add_typer(secret, name="secret")
cli.add_typer(catalogue, name="catalogue")
cli.add_typer(keys, name="key")
cli.command("copy")(copy_deployment)
cli.command()(compact)
WHERE = "Where the server is; by default this environment's HOST and PORT."


@cli.command()
def serve(
    dev: Annotated[
        bool, typer.Option("--dev", help="Make up the secrets that are missing, keep and print them.")
    ] = False,
) -> None:
    """Serve the webhook and GraphQL. Migrates a SQLite database by itself; PostgreSQL is migrated by `migrate`."""
    if dev:
        os.environ.setdefault("ROLECAST_LOG_FORMAT", "text")
    made_up = provide_secrets(os.environ) if dev else {}
    if dev and not os.environ.get("ROLECAST_GRAPHIQL"):
        os.environ["ROLECAST_GRAPHIQL"] = "true"  # there, because the processes that serve read it again
    settings = load_settings()
    from api.app import create_app  # GraphQL: as long to import as all else, and only a server needs it

    create_app(settings)  # whatever refuses to start does so here, once, and not in each process that serves
    if settings.url.startswith("sqlite"):
        with database_at_hand(
            migrated=False
        ) as database:  # before the server runs: what is wrong with the file is one sentence
            migrate_database(database)
    if dev:
        _greet(settings, made_up)
    with counting_together(settings.workers):
        _run(settings, dev=dev)


def _run(settings: Settings, *, dev: bool) -> None:
    import uvicorn  # only a server needs it

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # uvicorn raises it once more when all is ended
    uvicorn.run(
        "api.app:app",
        factory=True,
        http="api.peers:Connection",
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        log_config=log_config(settings.log_format, settings.log_level),
        log_level=level_of_server(settings.log_level),
        access_log=dev,
        timeout_graceful_shutdown=8,
        server_header=False,
        forwarded_allow_ips=settings.forwarded_allow_ips,
        ws_max_size=settings.max_body_bytes,
    )


def _greet(settings: Settings, made_up: dict[str, str]) -> None:
    console.print(f"[bold]Rolecast[/bold] in development, on http://{_reachable(settings.host)}:{settings.port}")
    console.print("  POST /webhook for the directory, /graphql for frontends, /readyz for operators")
    if settings.graphiql:
        console.print(f"  in a browser, http://{_reachable(settings.host)}:{settings.port}/graphql is GraphiQL")
    for name, value in made_up.items():
        console.print(f"  {name}={value}", markup=False)
    if made_up:
        console.print(f"  (made up; kept in {FOLDER / FILE}. `make demo` finds them there.)")


@cli.command()
def migrate() -> None:
    """Bring the database to this version's tables."""
    with database_at_hand(migrated=False) as database:
        migrate_database(database)
    console.print("The database is at this version's tables.")


@cli.command()
def check() -> None:
    """Prove that grants are what the rule says, references hold and no log has a hole; exit 1 with a list otherwise."""
    with database_at_hand() as database, progress_of("checking users") as progress:
        wrong, unended = database.read_now(
            lambda session: (checking.check(session, progress), checking.unended(session))
        )
    for sentence in wrong:
        console.print(f"- {sentence}", markup=False)
    if wrong:
        complain.print(f"{checking.verdict(wrong)}. `python -m api rebuild` derives everything from the journal again.")
        raise typer.Exit(1)
    console.print("Clean: grants are what the rule says, references hold, and no log has a hole.")
    if unended:
        console.print(f"{unended}.", markup=False)


@cli.command()
def rebuild() -> None:
    """Empty everything derived and replay the journal, in one transaction: same state, same changes."""
    with database_at_hand() as database, progress_of("replaying events") as progress:
        count = database.write_now(lambda session: rebuilding.rebuild(session, progress))
    console.print(f"Rebuilt from {count} events.")


@cli.command()
def replay(
    rejected: Annotated[
        bool, typer.Option("--rejected", help="All that were rejected and not understood since.")
    ] = False,
) -> None:
    """Run rejected webhooks again, oldest first: after a fix, they have the effect that they were to have."""
    if not rejected:
        raise BadInput("say which events: --rejected replays all that were rejected")
    with database_at_hand() as database, progress_of("replaying events") as progress:
        tally = replay_rejected(database, "cli", progress)
    words = (
        (Outcome.APPLIED, "applied"),
        (Outcome.SUPERSEDED, "superseded"),
        (Outcome.IGNORED, "ignored"),
        (Outcome.REJECTED, "rejected again"),
    )
    said = ", ".join(f"{tally[outcome]} {word}" for outcome, word in words)
    console.print(f"Replayed {tally.total()} events: {said}.")


@secret.command("new")
def secret_new(
    api_key: Annotated[bool, typer.Option("--api-key", help="An API key instead of a webhook secret.")] = False,
) -> None:
    """Print a new webhook signing secret for ROLECAST_WEBHOOK_SECRETS, or a new API key for ROLECAST_API_KEY."""
    sys.stdout.write((new_api_key() if api_key else new_webhook_secret()) + "\n")


@cli.command()
def send(
    file: Annotated[typer.FileBinaryRead, typer.Argument(help="An event as JSON; - for standard input.")],
    url: Annotated[str | None, typer.Option(help=WHERE)] = None,
) -> None:
    """Sign one event as a directory would, post it to a running server, and print the answer."""
    from api.sender import send as send_event  # an HTTP client takes long to import, and only this command has one

    status, text = send_event(url or _here(), _secrets_at_hand()[0], file.read().strip())
    sys.stdout.write(f"{status} {text}\n")
    if status >= 400:
        raise typer.Exit(1)


@cli.command()
def demo(
    users: Annotated[int, typer.Option(min=1, max=100_000, help="How many people.")] = 200,
    groups: Annotated[int, typer.Option(min=1, max=1_000, help="In how many groups.")] = 12,
    rate: Annotated[float, typer.Option(min=0.1, max=10_000, help="Events a second.")] = 50.0,
    seed: Annotated[int, typer.Option(help="The same seed plays the same company.")] = 1,
    organization: Annotated[str, typer.Option(help="The organization's id.")] = "org_demo",
    url: Annotated[str | None, typer.Option(help=WHERE)] = None,
) -> None:
    """Play a company against a running server: joiners, movers, leavers, renames, duplicates and late events."""
    from api.demo.play import play  # and this

    secret, key = _secrets_at_hand()
    company = {"users": users, "groups": groups, "rate": rate, "seed": seed, "organization": organization}
    raise typer.Exit(asyncio.run(play(url or _here(), secret, key, console=console, **company)))  # type: ignore[arg-type]


def _secrets_at_hand() -> tuple[str, str | None]:
    """A webhook secret and, if there is one, an API key: of the environment, else what `serve --dev` made up."""
    found = known_secrets() | {name: value for name, value in os.environ.items() if value}
    signing = found.get("ROLECAST_WEBHOOK_SECRETS", "").split()
    if not signing:
        raise Misconfigured("set ROLECAST_WEBHOOK_SECRETS as the server has it, or run `make run` in this folder first")
    return signing[0], found.get("ROLECAST_API_KEY")


def _here() -> str:
    """The URL of a server with this environment's HOST and PORT."""
    settings = load_settings()
    return f"http://{_reachable(settings.host)}:{settings.port}"


def _reachable(host: str) -> str:
    return "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104  # compared, not bound


def main() -> None:
    """Run a command; a Problem is one sentence on stderr and exit code 1."""
    try:
        cli()
    except Problem as problem:
        said, *_ = str(problem).splitlines()
        why = (problem.detail or "").partition("\n")[0]
        complain.print(f"rolecast: {said}", markup=False)
        if why.rpartition(") ")[2] not in said:  # SQLAlchemy puts the driver's exception in brackets before its words
            complain.print(f"  {why}", markup=False)
        sys.exit(1)
