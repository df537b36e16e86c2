"""A catalogue in TOML: it reads back as it was written, and every mistake is named."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from api.declaration import differences, read_toml, write_toml
from schema.commands import ApplyCatalogue, DeclaredRole
from schema.problems import BadInput

names = st.from_regex(r"[a-zA-Z0-9_]{1,64}", fullmatch=True)
permissions = st.from_regex(r"[a-zA-Z0-9_:]{1,64}", fullmatch=True)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
roles = st.builds(
    DeclaredRole,
    display_name=st.none() | texts,
    description=st.none() | texts,
    priority=st.integers(-(2**31), 2**31 - 1),
    extends=st.none() | names,
    permissions=st.sets(permissions).map(lambda found: tuple(sorted(found))),
    protected=st.booleans(),
)
defaults: st.SearchStrategy[Any] = st.none() | st.just(UNSET) | names
catalogues = st.builds(
    ApplyCatalogue,
    permissions=st.dictionaries(permissions, st.none() | texts.filter(bool)),
    roles=st.dictionaries(names, roles),
    member=defaults,
    creator=defaults,
    prune=st.booleans(),
)
WANTED = """
[permissions]
"doc:read" = "Read"
[defaults]
member = "viewer"
[roles.viewer]
display_name = "Reads"
priority = 10
protected = true
permissions = ["doc:read"]
[roles.editor]
extends = "viewer"
"""


@given(catalogues)
def test_what_is_written_reads_back_the_same(catalogue: ApplyCatalogue) -> None:
    again = read_toml(write_toml(catalogue), prune=catalogue.prune)
    assert again == catalogue
    assert list(again.roles) == list(catalogue.roles)
    assert differences(catalogue, again) == []
    assert msgspec.json.decode(msgspec.json.encode(catalogue), type=ApplyCatalogue) == catalogue


@given(catalogues, catalogues)
def test_two_differ_in_sentences_of_one_line_or_not_at_all(one: ApplyCatalogue, other: ApplyCatalogue) -> None:
    for sentence in differences(one, other):
        assert sentence[:2] in ("+ ", "~ ", "- ")
        assert sentence.isprintable()


@given(st.text() | st.from_regex(r"\A\[(roles|permissions|defaults)(\.a)?\]\n(member|priority|extends|a) = .*\Z"))
def test_any_text_is_a_catalogue_or_a_mistake(text: str) -> None:
    with suppress(BadInput):
        assert isinstance(read_toml(text), ApplyCatalogue)


def test_a_difference_reads_like_one() -> None:
    stored = ApplyCatalogue(
        permissions={"doc:read": None, "doc:write": None},
        roles={"viewer": DeclaredRole(permissions=("doc:write",)), "old": DeclaredRole()},
        member=None,
    )
    wanted = read_toml(WANTED, prune=True)
    assert differences(stored, wanted) == [
        "~ permission doc:read: description none -> 'Read'",
        "- permission doc:write",
        "~ role viewer: display_name none -> 'Reads', priority 100 -> 10, permissions +doc:read -doc:write,"
        " protected false -> true",
        "+ role editor",
        "- role old",
        "~ default member role: none -> viewer",
    ]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[role.viewer]", "role"),
        ("roles = 1", "roles"),
        ("[roles]\nviewer = 1", "roles.viewer"),
        ("[roles.viewer]\ncolour = 'red'", "roles.viewer.*colour"),
        ("[roles.viewer]\npriority = 'high'", "roles.viewer.priority"),
        ("[roles.viewer]\npriority = 9999999999", "roles.viewer.priority"),
        ("[roles.viewer]\npriority = 99999999999999999999999", "roles.viewer.priority"),
        ("[roles.viewer]\nprotected = 1", "roles.viewer.protected"),
        ("[roles.viewer]\npermissions = ['a:b', 'a b']", r"roles.viewer.permissions\[1\]"),
        ("[roles.viewer]\npermissions = 'a:b'", "roles.viewer.permissions"),
        ("[roles.viewer]\nextends = 'no name'", "roles.viewer.extends"),
        ("[roles.viewer]\ndescription = '''a'''\ndisplay_name = \"\\u0000\"", "roles.viewer.display_name"),
        ("[roles.'no name']", "roles.'no name'"),
        ("[permissions]\n'a b' = ''", "permissions.'a b'"),
        ("[permissions]\n'a:b' = 1", "permissions.'a:b'"),
        ("[defaults]\nmember = 'no name'", "defaults.member"),
        ("[defaults]\nowner = 'x'", "defaults.*owner"),
        ("[roles.viewer]\n[roles.viewer]", "line 2"),
        ("[roles", "end of document"),
        ("a = 2026-99-99", "TOML"),
        ("a = " + "[" * 5000, "TOML"),
    ],
)
def test_a_mistake_is_named_with_its_key(text: str, named: str) -> None:
    with pytest.raises(BadInput, match=named):
        read_toml(text)
