"""What a compaction of the journal leaves: a snapshot in parts, the ids that were taken, and where the logs begin."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
WITH_PAYLOAD = sa.text("payload IS NOT NULL")


def upgrade() -> None:
    """Add the tables, and to the log's row the beginnings of a journal that was never compacted."""
    for name in ("snapshot", "floor", "since"):
        op.add_column("log", sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
    op.create_table(
        "snapshot_parts",
        sa.Column("position", KEY, autoincrement=False, nullable=False),
        sa.Column("name", WORD, nullable=False),
        sa.Column("part", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("position", "name", "part"),
    )
    op.create_table(
        "archived",
        sa.Column("id", WORD, nullable=False),
        sa.Column("position", KEY, nullable=False),
        sa.Column("type", WORD, nullable=False),
        sa.Column("source", sa.Integer(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("organization_key", KEY, nullable=True),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Integer(), nullable=False),
        sa.Column("problem", sa.String(), nullable=True),
        sa.Column("payload", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index("archived_by_organization", "archived", ["organization_key", "position"], unique=False)
    op.create_index(
        "archived_with_payload",
        "archived",
        ["position"],
        unique=False,
        sqlite_where=WITH_PAYLOAD,
        postgresql_where=WITH_PAYLOAD,
    )
