"""Whatever happened and whatever comes: a compaction changes nothing but how far back one can look."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from schema.events import Event, Receipt
from schema.kinds import Source
from schema.queries.changes import held_at
from schema.sql import Statement
from tests.compacting import beginnings, compacted, emptied, facts, logs, looks_back
from tests.histories import EVERYBODY, batches, company, histories, lawless_histories, sweep
from tests.model import Model
from tests.world import START, World

CLOCK = START + 4
LATE = START + 100
ROLE_NAMES = Statement("SELECT key, name FROM roles")
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)  # shrinking, at half a second an example, takes minutes
Cuts = dict[int, int]  # after which batch to compact, and what was received before which


def played(world: World, cut: list[list[Event]], cuts: Cuts) -> list[Any]:
    """The receipts of a history in which the world is compacted on the way."""
    emptied(world).send(*company(), clock=CLOCK)
    answers: list[Any] = []
    with tempfile.TemporaryDirectory() as folder:
        for place, batch in enumerate(cut):
            answers += world.submit(*batch, clock=CLOCK + place)
            if place in cuts:
                compacted(world, CLOCK + cuts[place], Path(folder))
    world.submit(sweep(99, LATE), clock=LATE)
    return [(each.outcome, each.position, each.granted) if isinstance(each, Receipt) else str(each) for each in answers]


def webhooks(cut: list[list[Event]]) -> list[Event]:
    """What directories sent: no command, which may be obeyed once what refused it has passed."""
    return [event for batch in cut for event in batch if event.source is Source.WEBHOOK]


@given(data=st.data())
@settings(max_examples=25, phases=PHASES)
def test_with_and_without_compactions_every_later_event_has_the_same_effect(world: World, data: st.DataObject) -> None:
    cut = batches(data.draw, data.draw(lawless_histories()))
    places = data.draw(st.sets(st.integers(0, len(cut) - 1), min_size=1, max_size=2))
    cuts = {place: data.draw(st.integers(1, place + 1)) for place in sorted(places)}
    answers = played(world, cut, cuts)
    since, now = beginnings(world), facts(world)
    moments = range(since.since, CLOCK + len(cut) + 1)
    told, past = logs(world, since), looks_back(world, moments)
    assert since.snapshot > 0
    assert world.drift() == []
    left = world.tables()
    assert world.rebuilds().tables() == left
    assert {each.repeated for each in world.submit(*webhooks(cut), clock=LATE) if isinstance(each, Receipt)} == {True}
    assert world.tables() == left
    assert answers == played(world, cut, {})
    assert facts(world) == now
    assert logs(world, since) == told
    assert looks_back(world, moments) == past


@given(data=st.data())
@settings(max_examples=25, phases=PHASES)
def test_history_after_a_compaction_is_what_the_model_remembers(world: World, data: st.DataObject) -> None:
    model, remembered = Model(), dict[int, dict[str, set[str]]]()
    cut = [company(), *batches(data.draw, data.draw(histories()))]
    emptied(world)
    for place, batch in enumerate(cut):
        clock = CLOCK + place
        if model.is_anything_over(clock):
            model.apply(sweep(place, clock), clock)
            world.send(sweep(place, clock), clock=clock)
        for event in batch:
            model.apply(event, clock)
        world.submit(*batch, clock=clock)
        remembered[clock] = {user: model.roles(user) for user in EVERYBODY}
    with tempfile.TemporaryDirectory() as folder:
        compacted(world, CLOCK + data.draw(st.integers(1, len(cut))), Path(folder))
    since = beginnings(world).since
    assert {time: held_by_everybody(world, time) for time in remembered if time >= since} == {
        time: roles for time, roles in remembered.items() if time >= since
    }


def held_by_everybody(world: World, time: int) -> dict[str, set[str]]:
    users = {row[0]: row[1] for row in world.database.read_now(Statement("SELECT key, id FROM users").run)}
    names = {row[0]: row[1] for row in world.database.read_now(ROLE_NAMES.run)}
    found: dict[str, set[str]] = {user: set() for user in EVERYBODY}
    for row, _ in world.database.read_now(lambda session: held_at(session, list(users), time)):
        found[users[row.user_key]].add(names[row.role_key])
    return found
