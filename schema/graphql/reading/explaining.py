"""Why a user holds a role, or what is missing for it, in words for an administrator."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from schema.graphql.asking import Ask
from schema.graphql.objects import Explanation
from schema.graphql.reading.reading import Reading, grouped
from schema.graphql.reading.reasons import held_reasons
from schema.graphql.wanted import Wanted
from schema.kinds import Kind, Turn
from schema.queries.catalogue import RoleEntry
from schema.queries.explaining import LastHeld, MappedTo, belonging, groups_mapped_to, last_held
from schema.queries.organizations import organizations_by_key
from schema.queries.people import UserRow, asserted_names, grants_of_users, users_by_key
from schema.reasons import ByHand, decode_reasons
from schema.times import format_time

NAMED = 10  # groups named in one sentence; the rest are counted
LIKELY = 0.8  # difflib's ratio of a misspelling: edtior and editor have 0.83, admin and main 0.67
LONGEST = 100  # letters of names that are compared: difflib takes the square of it


@dataclass(frozen=True)
class _Facts:
    """What was read once for all who lack the role."""

    removed: set[int]  # organizations
    asserted: dict[int, list[str]]
    mapped: dict[int, list[MappedTo]]  # by organization
    members: set[tuple[int, int, int]]  # (user, role, group)
    last: dict[tuple[int, int], LastHeld]  # by (user, role)


def explanations(reading: Reading, keys: Sequence[int], ask: Ask, wanted: Wanted) -> dict[int, Explanation]:
    """An explanation for each user of the role that `ask.where` names."""
    rows = users_by_key(reading.session, keys)
    homes = {row.key: row.organization_key for row in rows}
    present = [row.key for row in rows if not row.deleted]
    named = set(reading.catalogue.keys_named(ask.where))
    grants = [grant for grant in grants_of_users(reading.session, present, reading.now) if grant.role_key in named]
    reasons = held_reasons(reading, grants, homes, wanted["reasons"]) if "reasons" in wanted else {}
    found = {grant.user_key: Explanation(held=True, reasons=[], missing=[]) for grant in grants}
    for (user, _), why in reasons.items():
        found[user].reasons += why
    lacking = [row for row in rows if row.key not in found]
    roles = {home: reading.catalogue.role(ask.where, home) for home in {row.organization_key for row in lacking}}
    facts = _facts(reading, lacking, roles) if lacking and "missing" in wanted else None
    for row in lacking:
        said = [] if facts is None else _missing(reading, row, ask.where, roles[row.organization_key], facts)
        found[row.key] = Explanation(held=False, reasons=[], missing=said)
    return found


def _facts(reading: Reading, lacking: Sequence[UserRow], roles: dict[int, RoleEntry | None]) -> _Facts:
    session, users, homes = reading.session, [row.key for row in lacking], list(roles)
    meant = list({entry.key for entry in roles.values() if entry is not None})
    mapped = groups_mapped_to(session, meant, homes) if meant else []
    return _Facts(
        removed={row.key for row in organizations_by_key(session, homes) if row.deleted},
        asserted=grouped(asserted_names(session, users)),
        mapped=grouped((each.organization_key, each) for each in mapped),
        members=belonging(session, users, meant) if mapped else set(),
        last={(each.user_key, each.role_key): each for each in last_held(session, users, meant)} if meant else {},
    )


def _missing(reading: Reading, user: UserRow, name: str, role: RoleEntry | None, facts: _Facts) -> list[str]:
    """What stands in the way first, then what would entitle and does not."""
    said = []
    if user.organization_key in facts.removed:
        said.append("the organization was removed")
    if user.deleted:
        said.append(f"removed from the directory since {format_time(user.at)}")
    elif not user.active:
        said.append(f"inactive since {format_time(user.at)}")
    asserted = facts.asserted.get(user.key, [])
    if role is None:
        unknown = f"asserted as {name}, which is not registered" if name in asserted else f"{name} is not registered"
        return [*said, unknown]
    said += _groups(reading, user, role, facts)
    for other in asserted:
        if _alike(other, name) and reading.catalogue.role(other, user.organization_key) is None:
            said.append(f"asserted as {other}, which is not registered")
    if (end := _over(facts.last.get((user.key, role.key)), reading.now)) is not None:
        said.append(f"granted by hand until {format_time(end)}, which is over")
    if reading.catalogue.default(Kind.MEMBER, user.organization_key) == role:
        said.append(f"{name} is held by default only by active members without another role")
    return said


def _groups(reading: Reading, user: UserRow, role: RoleEntry, facts: _Facts) -> Iterator[str]:
    """What the groups mapped to the role do not give; who sees one user only is not told of others' groups."""
    mapped = [each for each in facts.mapped.get(user.organization_key, []) if each.role_key == role.key]
    own = {each for each in mapped if (user.key, role.key, each.group_key) in facts.members}
    there = [each for each in mapped if not each.deleted]
    gone = [each for each in mapped if each.deleted and (each in own or not (there or reading.viewer.alone))]
    if there and not any(each in own for each in there):
        names = "" if reading.viewer.alone else f"; groups that are: {_listed([each.name for each in there])}"
        yield f"member of no group mapped to {role.name}{names}"
    if not there and not gone:
        yield f"no group is mapped to {role.name}"
    for each in gone:
        yield f"its group {each.name} (mapped) was removed"


def _listed(names: Sequence[str]) -> str:
    rest = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {rest} more" if rest > 0 else "")


def _alike(asserted: str, name: str) -> bool:
    """Whether one name is a likely misspelling of the other, or the same in another case."""
    if max(len(asserted), len(name)) > LONGEST:
        return False
    one, other = asserted.casefold(), name.casefold()
    return one == other or SequenceMatcher(None, one, other).ratio() >= LIKELY


def _over(last: LastHeld | None, now: int) -> int | None:
    """When a grant by hand ended by itself, if that is how the role was lost; in nanoseconds."""
    if last is None:
        return None
    lost = last.at if last.turn == Turn.REVOKED else now
    ends = [why.expires_at for why in decode_reasons(last.reasons) if isinstance(why, ByHand) and why.expires_at]
    return next((end for end in ends if end <= lost), None)
