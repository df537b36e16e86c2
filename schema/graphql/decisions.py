"""What a user may do, as an application asks it."""

from __future__ import annotations

import strawberry

from schema.graphql.objects import HeldRole


@strawberry.type(description="Whether a user may do something, and through which of their roles.")
class Decision:
    """`through` is empty when it is not allowed; most significant first."""

    allowed: bool
    through: list[HeldRole]
