"""The first tables: journal, facts, grants and changes, access; and the name of this log."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make everything. The log's id is drawn here: cursors name it, so that those of another database are known."""
    op.create_table(
        "api_keys",
        sa.Column("id", WORD, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("hash", WORD, nullable=False),
        sa.Column("organization_id", WORD, nullable=True),
        sa.Column("write", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("hash"),
    )
    op.create_table(
        "journal",
        sa.Column("position", KEY, autoincrement=False, nullable=False),
        sa.Column("id", WORD, nullable=False),
        sa.Column("type", WORD, nullable=False),
        sa.Column("source", sa.Integer(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("organization_key", KEY, nullable=True),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Integer(), nullable=False),
        sa.Column("problem", sa.String(), nullable=True),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("position"),
        sa.UniqueConstraint("id"),
    )
    op.create_index("journal_by_organization", "journal", ["organization_key", "position"], unique=False)
    op.create_table(
        "log",
        sa.Column("key", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("catalogue", sa.BigInteger(), nullable=False),
        sa.Column("mappings", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "organizations",
        sa.Column("key", KEY, autoincrement=False, nullable=False),
        sa.Column("id", WORD, nullable=False),
        sa.Column("display_name", sa.String(), nullable=True),
        sa.Column("external_id", sa.String(), nullable=True),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", WORD, nullable=False),
        sa.Column("mappings_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
        sa.UniqueConstraint("id"),
    )
    op.create_table(
        "permissions",
        sa.Column("key", KEY, autoincrement=False, nullable=False),
        sa.Column("name", WORD, nullable=False),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", WORD, nullable=False),
        sa.PrimaryKeyConstraint("key"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "directories",
        sa.Column("key", KEY, autoincrement=False, nullable=False),
        sa.Column("id", WORD, nullable=False),
        sa.Column("organization_key", KEY, nullable=False),
        sa.Column("provider", sa.String(), nullable=True),
        sa.Column("type", sa.String(), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", WORD, nullable=False),
        sa.ForeignKeyConstraint(["organization_key"], ["organizations.key"]),
        sa.PrimaryKeyConstraint("key"),
        sa.UniqueConstraint("id"),
    )
    op.create_index(("ix_directories_organization_key"), "directories", ["organization_key"], unique=False)
    op.create_table(
        "roles",
        sa.Column("key", KEY, autoincrement=False, nullable=False),
        sa.Column("name", WORD, nullable=False),
        sa.Column("organization_key", KEY, nullable=True),
        sa.Column("display_name", sa.String(), nullable=True),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("extends", WORD, nullable=True),
        sa.Column("protected", sa.Boolean(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("stamps", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["organization_key"], ["organizations.key"]),
        sa.PrimaryKeyConstraint("key"),
        sa.UniqueConstraint("organization_key", "name"),
    )
    op.create_index(
        "environment_roles",
        "roles",
        ["name"],
        unique=True,
        sqlite_where=sa.text("organization_key IS NULL"),
        postgresql_where=sa.text("organization_key IS NULL"),
    )
    op.create_table(
        "users",
        sa.Column("key", KEY, autoincrement=False, nullable=False),
        sa.Column("id", WORD, nullable=False),
        sa.Column("organization_key", KEY, nullable=False),
        sa.Column("external_id", sa.String(), nullable=True),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("username", sa.String(), nullable=True),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("given_name", sa.String(), nullable=True),
        sa.Column("family_name", sa.String(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", WORD, nullable=False),
        sa.ForeignKeyConstraint(["organization_key"], ["organizations.key"]),
        sa.PrimaryKeyConstraint("key"),
        sa.UniqueConstraint("id"),
    )
    op.create_index("users_by_organization", "users", ["organization_key", "key"], unique=False)
    op.create_table(
        "assertions",
        sa.Column("user_key", KEY, nullable=False),
        sa.Column("name", WORD, nullable=False),
        sa.ForeignKeyConstraint(["user_key"], ["users.key"]),
        sa.PrimaryKeyConstraint("user_key", "name"),
        sqlite_with_rowid=False,
    )
    op.create_index("assertions_by_name", "assertions", ["name", "user_key"], unique=False)
    op.create_table(
        "changes",
        sa.Column("position", KEY, autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("event_position", KEY, nullable=False),
        sa.Column("organization_key", KEY, nullable=False),
        sa.Column("user_key", KEY, nullable=False),
        sa.Column("role_key", KEY, nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("reasons", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["event_position"], ["journal.position"]),
        sa.ForeignKeyConstraint(["organization_key"], ["organizations.key"]),
        sa.ForeignKeyConstraint(["role_key"], ["roles.key"]),
        sa.ForeignKeyConstraint(["user_key"], ["users.key"]),
        sa.PrimaryKeyConstraint("position"),
    )
    op.create_index("changes_by_event", "changes", ["event_position"], unique=False)
    op.create_index("changes_by_organization", "changes", ["organization_key", "position"], unique=False)
    op.create_index("changes_by_user", "changes", ["user_key", "position"], unique=False)
    op.create_table(
        "creators",
        sa.Column("organization_key", KEY, autoincrement=False, nullable=False),
        sa.Column("user_key", KEY, nullable=False),
        sa.ForeignKeyConstraint(["organization_key"], ["organizations.key"]),
        sa.ForeignKeyConstraint(["user_key"], ["users.key"]),
        sa.PrimaryKeyConstraint("organization_key"),
    )
    op.create_table(
        "default_roles",
        sa.Column("key", KEY, autoincrement=False, nullable=False),
        sa.Column("organization_key", KEY, nullable=True),
        sa.Column("of", sa.Integer(), nullable=False),
        sa.Column("role_key", KEY, nullable=False),
        sa.ForeignKeyConstraint(["organization_key"], ["organizations.key"]),
        sa.ForeignKeyConstraint(["role_key"], ["roles.key"]),
        sa.PrimaryKeyConstraint("key"),
        sa.UniqueConstraint("organization_key", "of"),
    )
    op.create_table(
        "grants",
        sa.Column("user_key", KEY, nullable=False),
        sa.Column("role_key", KEY, nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("ref", KEY, nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["role_key"], ["roles.key"]),
        sa.ForeignKeyConstraint(["user_key"], ["users.key"]),
        sa.PrimaryKeyConstraint("user_key", "role_key", "kind", "ref"),
        sqlite_with_rowid=False,
    )
    op.create_index("grants_by_role", "grants", ["role_key", "user_key"], unique=False)
    op.create_table(
        "groups",
        sa.Column("key", KEY, autoincrement=False, nullable=False),
        sa.Column("id", WORD, nullable=False),
        sa.Column("organization_key", KEY, nullable=False),
        sa.Column("directory_key", KEY, nullable=True),
        sa.Column("external_id", sa.String(), nullable=True),
        sa.Column("display_name", sa.String(), nullable=True),
        sa.Column("named", sa.String(), nullable=True),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_by", WORD, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", WORD, nullable=False),
        sa.ForeignKeyConstraint(["directory_key"], ["directories.key"]),
        sa.ForeignKeyConstraint(["organization_key"], ["organizations.key"]),
        sa.PrimaryKeyConstraint("key"),
        sa.UniqueConstraint("id"),
    )
    op.create_index("groups_by_organization", "groups", ["organization_key", "key"], unique=False)
    op.create_table(
        "hand_grants",
        sa.Column("user_key", KEY, nullable=False),
        sa.Column("role_key", KEY, nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["role_key"], ["roles.key"]),
        sa.ForeignKeyConstraint(["user_key"], ["users.key"]),
        sa.PrimaryKeyConstraint("user_key", "role_key"),
        sqlite_with_rowid=False,
    )
    op.create_index(("ix_hand_grants_expires_at"), "hand_grants", ["expires_at"], unique=False)
    op.create_table(
        "role_permissions",
        sa.Column("role_key", KEY, nullable=False),
        sa.Column("permission_key", KEY, nullable=False),
        sa.ForeignKeyConstraint(["permission_key"], ["permissions.key"]),
        sa.ForeignKeyConstraint(["role_key"], ["roles.key"]),
        sa.PrimaryKeyConstraint("role_key", "permission_key"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "mappings",
        sa.Column("key", KEY, autoincrement=False, nullable=False),
        sa.Column("organization_key", KEY, nullable=False),
        sa.Column("group_key", KEY, nullable=False),
        sa.Column("role_key", KEY, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["group_key"], ["groups.key"]),
        sa.ForeignKeyConstraint(["organization_key"], ["organizations.key"]),
        sa.ForeignKeyConstraint(["role_key"], ["roles.key"]),
        sa.PrimaryKeyConstraint("key"),
        sa.UniqueConstraint("group_key", "role_key"),
    )
    op.create_index(("ix_mappings_organization_key"), "mappings", ["organization_key"], unique=False)
    op.create_index(("ix_mappings_role_key"), "mappings", ["role_key"], unique=False)
    op.create_table(
        "memberships",
        sa.Column("user_key", KEY, nullable=False),
        sa.Column("group_key", KEY, nullable=False),
        sa.ForeignKeyConstraint(["group_key"], ["groups.key"]),
        sa.ForeignKeyConstraint(["user_key"], ["users.key"]),
        sa.PrimaryKeyConstraint("user_key", "group_key"),
        sqlite_with_rowid=False,
    )
    op.create_index("memberships_by_group", "memberships", ["group_key", "user_key"], unique=False)
    op.execute(f"INSERT INTO log (key, id, catalogue, mappings) VALUES (1, '{secrets.token_hex(4)}', 0, 0)")
