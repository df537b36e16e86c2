"""A declared catalogue as TOML: read with every mistake named, written to be read back, and compared in sentences."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, TypeVar

import msgspec
import tomli_w
from msgspec import UNSET, Meta, Struct, UnsetType, structs

from api.facts.declared import differing
from schema.commands import ApplyCatalogue, DeclaredRole
from schema.problems import BadInput
from schema.wire import PermissionName, RoleName

T = TypeVar("T")

PATH = re.compile(r"(?P<what>.*?)(?: - at `\$(?P<path>.*)`)?", re.DOTALL)
Text = Annotated[str, Meta(pattern=r"\A[^\x00]*\Z")]  # PostgreSQL's texts hold no NUL
Priority = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]  # a column of 32 bits
NOBODY = ""  # TOML has no null: a default role of "" is none


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    permissions: dict[str, Any] = {}
    roles: dict[str, Any] = {}
    defaults: dict[str, Any] = {}


class _Role(Struct, frozen=True, forbid_unknown_fields=True):
    display_name: Text | None = None
    description: Text | None = None
    priority: Priority = 100
    extends: RoleName | None = None
    permissions: tuple[PermissionName, ...] = ()
    protected: bool = False


class _Defaults(Struct, frozen=True, forbid_unknown_fields=True):
    member: str | UnsetType = UNSET
    creator: str | UnsetType = UNSET


def read_toml(text: str, *, prune: bool = False) -> ApplyCatalogue:
    """The catalogue that a TOML text declares. Raises BadInput, naming the key or the line, for anything else."""
    try:
        found = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"the file is not TOML: {error}") from error
    file = _convert(found, _File, "")
    permissions = {}
    for name, description in file.permissions.items():
        _convert(name, PermissionName, _key("permissions", name))
        permissions[name] = _convert(description, Text, _key("permissions", name)) or None
    roles = {name: _role(name, words) for name, words in file.roles.items()}
    defaults = {of: _default(of, name) for of, name in _defaults(file.defaults).items()}
    return ApplyCatalogue(permissions=permissions, roles=roles, prune=prune, **defaults)


def write_toml(catalogue: ApplyCatalogue) -> str:
    """The TOML text that `read_toml` reads back to the same catalogue, but for `prune`, which is the command's."""
    tables: dict[str, Any] = {"permissions": {name: word or "" for name, word in catalogue.permissions.items()}}
    defaults = {of: name for of in ("member", "creator") if (name := getattr(catalogue, of)) is not UNSET}
    if defaults:
        tables["defaults"] = {of: NOBODY if name is None else name for of, name in defaults.items()}
    tables["roles"] = {}
    for name, role in catalogue.roles.items():
        changed = differing(DeclaredRole(), role)
        tables["roles"][name] = {
            word: list(value) if word == "permissions" else value for word, value in changed.items()
        }
    return tomli_w.dumps({name: table for name, table in tables.items() if table})


def differences(stored: ApplyCatalogue, wanted: ApplyCatalogue) -> list[str]:
    """What applying `wanted` would change of what is stored, a sentence each: + registers, ~ changes, - ends."""
    return [*_of_permissions(stored, wanted), *_of_roles(stored, wanted), *_of_defaults(stored, wanted)]


def _of_permissions(stored: ApplyCatalogue, wanted: ApplyCatalogue) -> Iterator[str]:
    for name, description in wanted.permissions.items():
        if name not in stored.permissions:
            yield f"+ permission {name}"
        elif (description or None) != (was := stored.permissions[name]):
            yield f"~ permission {name}: description {_word(was)} -> {_word(description or None)}"
    yield from _pruned("permission", stored.permissions, wanted.permissions, wanted.prune)


def _of_roles(stored: ApplyCatalogue, wanted: ApplyCatalogue) -> Iterator[str]:
    for name, role in wanted.roles.items():
        if name not in stored.roles:
            yield f"+ role {name}"
        elif changed := differing(stored.roles[name], role):
            was = structs.asdict(stored.roles[name])
            yield f"~ role {name}: {', '.join(_turn(field, was[field], word) for field, word in changed.items())}"
    yield from _pruned("role", stored.roles, wanted.roles, wanted.prune)


def _of_defaults(stored: ApplyCatalogue, wanted: ApplyCatalogue) -> Iterator[str]:
    for of in ("member", "creator"):
        was, name = getattr(stored, of), getattr(wanted, of)
        if name is not UNSET and name != was:
            yield f"~ default {of} role: {was or 'none'} -> {name or 'none'}"


def _pruned(noun: str, stored: Mapping[str, object], wanted: Mapping[str, object], prune: bool) -> Iterator[str]:
    return (f"- {noun} {name}" for name in sorted(stored.keys() - wanted.keys()) if prune)


def _turn(field: str, before: Any, after: Any) -> str:
    """One field's change in words; of permissions, what comes and what goes."""
    if field != "permissions":
        quoted = field in ("display_name", "description")
        return f"{field} {_word(before, quoted=quoted)} -> {_word(after, quoted=quoted)}"
    come = [f"+{name}" for name in sorted(set(after) - set(before))]
    gone = [f"-{name}" for name in sorted(set(before) - set(after))]
    return f"permissions {' '.join([*come, *gone])}"


def _word(value: object, *, quoted: bool = True) -> str:
    """A value on one line; what people wrote is quoted, with control characters escaped."""
    if value is None:
        return "none"
    return str(value).lower() if isinstance(value, bool) else ascii(value) if quoted else str(value)


def _role(name: str, words: object) -> DeclaredRole:
    where = _key("roles", name)
    _convert(name, RoleName, where)
    role = _convert(words, _Role, where)
    fields = structs.asdict(role) | {"permissions": tuple(sorted(set(role.permissions)))}
    return DeclaredRole(**fields)


def _defaults(words: object) -> dict[str, Any]:
    found = structs.asdict(_convert(words, _Defaults, "defaults"))
    return {of: name for of, name in found.items() if name is not UNSET}


def _default(of: str, name: str) -> str | None:
    return None if name == NOBODY else _convert(name, RoleName, f"defaults.{of}")


def _key(table: str, name: str) -> str:
    """A key below a table as TOML writes it."""
    return f"{table}.{name}" if re.fullmatch(r"[A-Za-z0-9_-]+", name, re.ASCII) else f"{table}.{name!a}"


def _convert(value: object, shape: Any, where: str) -> Any:
    """The value in the shape wanted; raise BadInput that names the key."""
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        found = PATH.fullmatch(str(error))
        what, path = (found["what"], found["path"] or "") if found else (str(error), "")
        raise BadInput(f"{(where + path).lstrip('.') or 'the file'}: {what}") from error
