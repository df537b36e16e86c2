"""Alembic's entry: runs the migrations on the connection that `api.migrate` hands over."""

from alembic import context
from sqlmodel import SQLModel

import schema.callers
import schema.retention
import schema.tables  # noqa: F401  # fills the metadata that `alembic revision --autogenerate` compares with

context.configure(
    connection=context.config.attributes["connection"], target_metadata=SQLModel.metadata, transactional_ddl=True
)
context.run_migrations()
