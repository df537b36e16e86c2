"""Whether fields of one name can be merged, within so many comparisons: the same asked twice is compared by pairs."""

from __future__ import annotations

from typing import Any

from graphql import OverlappingFieldsCanBeMergedRule, SelectionSetNode, ValidationContext
from graphql.validation.validate import ValidationAbortedError

from schema.problems import TooComplex


def merging_within(comparisons: int) -> type[OverlappingFieldsCanBeMergedRule]:
    """The specification's rule (5.3.2), which raises TooComplex once it has compared so much.

    graphql-core counts every step of this rule by itself, and gives up after half a million: a second of CPU. Pairs
    multiply along a path (16 times the same object, each with 16 times the same), so that nothing short of the
    comparing itself tells a bomb from the fragments of a big page that ask for the same.
    """

    class Merging(OverlappingFieldsCanBeMergedRule):
        def __init__(self, context: ValidationContext) -> None:
            super().__init__(context)
            self.rule_context.remaining_complexity_budget = comparisons

        def enter_selection_set(self, selection_set: SelectionSetNode, _key: Any, parent: Any, *_args: Any) -> None:
            try:
                super().enter_selection_set(selection_set, _key, parent, *_args)
            except ValidationAbortedError:
                told = "comparisons: this document repeats too much to be compared, the limit is"
                raise TooComplex(f"{told} {comparisons}") from None

    return Merging
