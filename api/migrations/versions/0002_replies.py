"""What idempotent requests were answered with; and users by address, which tokens may name them by."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the table; it is no part of what is derived from the journal."""
    op.create_table(
        "replies",
        sa.Column("scope", WORD, nullable=False),
        sa.Column("key", WORD, nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("seed", WORD, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("scope", "key"),
        sqlite_with_rowid=False,
    )
    op.create_index(("ix_replies_created_at"), "replies", ["created_at"], unique=False)
    op.create_index("users_by_email", "users", [sa.text("lower(substr(email, 1, 320))")], unique=False)
