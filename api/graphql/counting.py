"""Execution that counts what it tells, and stops where an answer would hold more than it may."""

from __future__ import annotations

from typing import Any

from graphql import Executor


def counting(executor: type[Executor[Any]]) -> type[Executor[Any]]:
    """The executor, drawing each object from the context's Budget as it begins to tell it, with its fields.

    Only here are they all met: what was read once may be told at a thousand places. Past the budget, each field that
    needs an object is refused by TooComplex, so that the rest of the answer ends at once, as the errors of fields do.
    """

    class Counting(executor):  # type: ignore[valid-type, misc]  # the class is strawberry's to choose
        def execute_fields(
            self, parent_type: Any, source_value: Any, path: Any, grouped_field_set: Any, position_context: Any
        ) -> Any:
            self.context_value.budget.telling(1, len(grouped_field_set))
            return super().execute_fields(parent_type, source_value, path, grouped_field_set, position_context)

        def complete_list_value(
            self, return_type: Any, field_details_list: Any, info: Any, path: Any, result: Any, position_context: Any
        ) -> Any:
            self.context_value.budget.telling(0, len(result))
            return super().complete_list_value(return_type, field_details_list, info, path, result, position_context)

    return Counting
