"""A recorded event runs again: after a fix, or to no effect."""

from __future__ import annotations

import json
from typing import Any

from schema.commands import ReplayEvent
from schema.events import Event, Rejected, from_webhook
from schema.kinds import Outcome
from schema.problems import BadInput, NotFound
from tests.world import World


def replays(world: World, id: str) -> Any:
    (answer,) = world.submit(world.command(ReplayEvent(event_id=id), None))
    return answer


def rejected_then(world: World, event: Event) -> Event:
    """The event as it was recorded while it could not be applied."""
    world.send(Event(**{name: getattr(event, name) for name in event.__struct_fields__} | {"body": Rejected("a bug")}))
    return event


def test_what_was_rejected_takes_effect_once_it_is_understood(world: World) -> None:
    world.maps("eng", "editor")
    event = rejected_then(world, world.snapshot("ada", "eng"))
    assert world.roles("ada") == set()
    answer = replays(world, event.id)
    assert (answer.outcome, answer.granted) == (Outcome.APPLIED, 1)
    assert world.roles("ada") == {"editor"}
    left = world.tables()
    assert world.drift() == []
    assert world.rebuilds().tables() == left


def test_what_something_newer_has_overtaken_has_no_effect(world: World) -> None:
    world.maps("eng", "editor")
    event = rejected_then(world, world.snapshot("ada", "eng"))
    world.joins("ada")
    assert replays(world, event.id).outcome is Outcome.SUPERSEDED
    assert world.roles("ada") == set()


def test_what_was_applied_is_not_applied_again(world: World) -> None:
    world.maps("eng", "editor").joins("ada", "eng")
    id = world.receipts[-1].event
    changes = len(world.changes())
    assert replays(world, id).outcome is Outcome.SUPERSEDED
    assert len(world.changes()) == changes


def test_what_is_still_not_understood_stays_so(world: World) -> None:
    world.send(from_webhook("evt_odd", json.dumps({"id": "evt_odd", "type": 7}).encode()))
    answer = replays(world, "evt_odd")
    assert (answer.outcome, bool(answer.problem)) == (Outcome.REJECTED, True)


def test_only_a_directorys_event_that_is_there_is_replayed(world: World) -> None:
    world.role("editor")
    assert isinstance(replays(world, world.receipts[-1].event), BadInput)
    assert isinstance(replays(world, "evt_unknown"), NotFound)
