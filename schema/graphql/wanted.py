"""What an operation selected under a field, as one merged tree: reading follows it, and reads nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphql import FieldNode, FragmentDefinitionNode, FragmentSpreadNode, SelectionSetNode

from schema.graphql.asking import Info


class Wanted(dict[str, "Wanted"]):
    """Contract names of the selected fields, each with its own tree. What was not selected has an empty one.

    Aliases and fragments are merged, whatever type a fragment is on; `@skip` and `@include` are taken as wanted.
    """

    def __missing__(self, name: str) -> Wanted:
        return NOTHING

    def any(self, *names: str) -> bool:
        """Whether one of the fields was selected."""
        return any(name in self for name in names)

    def merged(self, other: Wanted) -> Wanted:
        """The tree of everything in either."""
        return Wanted({name: self[name].merged(other[name]) for name in {**self, **other}})


NOTHING = Wanted()


def wanted_by(info: Info) -> Wanted:
    """The tree under the field being resolved.

    `info.selected_fields` expands every use of a fragment anew, exponentially in the length of an ill-meant document;
    this walk takes each fragment once for each place it is used in.
    """
    raw: Any = info._raw_info
    tree = Wanted()
    seen: set[tuple[int, str]] = set()
    for node in raw.field_nodes:
        _gather(node.selection_set, raw.fragments, tree, seen)
    return tree


def _gather(
    selected: SelectionSetNode | None,
    fragments: Mapping[str, FragmentDefinitionNode],
    tree: Wanted,
    seen: set[tuple[int, str]],
) -> None:
    for node in () if selected is None else selected.selections:
        if isinstance(node, FieldNode):
            name = node.name.value
            if not name.startswith("__"):
                _gather(node.selection_set, fragments, tree.setdefault(name, Wanted()), seen)
        elif isinstance(node, FragmentSpreadNode):
            use = id(tree), node.name.value
            if use not in seen:
                seen.add(use)
                _gather(fragments[node.name.value].selection_set, fragments, tree, seen)
        else:
            _gather(getattr(node, "selection_set", None), fragments, tree, seen)
