"""An application on a real uvicorn in this process, with its parts in reach."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from pydantic import SecretStr

from api.app import create_app
from api.database import Database
from api.migrate import migrate
from api.service import Service
from api.settings import Settings
from tests.processes import KEY, SECRET
from tests.serving import serving
from tests.system.directory import Outside


class Served(Outside):
    """An application on a real uvicorn in this process; `service` is what it is made of."""

    def __init__(self, url: str, service: Service) -> None:
        super().__init__(url)
        self.service = service


@contextmanager
def served_at(url: str, *secrets: str, queue_size: int = 4096, **given: Any) -> Iterator[Served]:
    """Serve the application on the database of that URL, migrated first; `given` are more of its settings."""
    settings = Settings(
        database_url=SecretStr(url),
        webhook_secrets=tuple(SecretStr(each) for each in secrets or (SECRET,)),
        api_key=SecretStr(KEY),
        queue_size=queue_size,
        **given,
    )
    database = Database(settings.url)
    migrate(database)
    database.close()
    app = create_app(settings)
    service = cast("Service", getattr(app.router.lifespan_context, "__self__"))  # noqa: B009  # a bound method's own
    with serving(app) as base, Served(base, service) as served:
        yield served
