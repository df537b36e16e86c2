"""Users as a token names them: by id, or by address."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlmodel import Session

from schema.sql import Statement

COLUMNS = "u.id, o.id, u.active, u.deleted, o.deleted"
BY_ID = Statement(
    f"""
    SELECT asked.id, {COLUMNS} FROM {{asked}} asked CROSS JOIN users u CROSS JOIN organizations o
    WHERE u.id = asked.id AND o.key = u.organization_key""",
    asked="id text",
)
# Both sides are lowered by the database, as its index is; `same_address` decides.
BY_EMAIL = Statement(
    f"""
    SELECT asked.email, u.email, {COLUMNS} FROM {{asked}} asked CROSS JOIN users u CROSS JOIN organizations o
    WHERE lower(substr(u.email, 1, 320)) = lower(substr(asked.email, 1, 320))
        AND o.key = u.organization_key ORDER BY u.key""",
    asked="email text",
)


class Name(NamedTuple):
    """Whom a token names: the user of this id or, when there is none, whoever has this address."""

    id: str | None
    email: str | None


class Account(NamedTuple):
    """A user, as far as letting them in goes. `by_id`: it was their id that named them."""

    id: str
    organization_id: str
    active: bool
    deleted: bool
    organization_deleted: bool
    by_id: bool

    @property
    def stands(self) -> bool:
        """Whether they may be let in."""
        return self.active and not self.deleted and not self.organization_deleted


def accounts_named(session: Session, names: Sequence[Name]) -> dict[Name, tuple[Account, ...]]:
    """Everybody whom each name may mean, removed and inactive users too; a name that means nobody is left out."""
    ids = _distinct(name.id for name in names)
    by_id = {asked: _account(*row, by_id=True) for asked, *row in BY_ID.run(session, asked=ids)} if ids else {}
    emails = _distinct(name.email for name in names if name.id not in by_id)
    by_email: dict[str, list[Account]] = {}
    for asked, email, *row in BY_EMAIL.run(session, asked=emails) if emails else ():
        if same_address(asked, email):
            by_email.setdefault(asked, []).append(_account(*row, by_id=False))
    found: dict[Name, tuple[Account, ...]] = {}
    for name in names:
        if name.id in by_id:
            found[name] = (by_id[name.id],)
        elif name.email in by_email:
            found[name] = tuple(by_email[name.email])
    return found


def same_address(one: str, other: str) -> bool:
    """Whether two addresses are equal but for the case of ASCII letters.

    A database's idea of case goes further by its locale: the Kelvin sign would pass for a k, and let a stranger in.
    """
    return one.encode().lower() == other.encode().lower()


def _distinct(values: Iterable[str | None]) -> list[str]:
    return list(dict.fromkeys(value for value in values if value is not None))


def _account(id: str, organization_id: str, *flags: bool, by_id: bool) -> Account:
    active, deleted, organization_deleted = map(bool, flags)
    return Account(id, organization_id, active, deleted, organization_deleted, by_id)
