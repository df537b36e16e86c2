"""What holds for every history, whatever it is: each promise of DESIGN.md that has no exceptions."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from schema.events import Event, Receipt
from tests.histories import EVERYBODY, batches, beginning, directory_histories, histories, lawless_histories
from tests.model import Model
from tests.world import START, World

CLOCK = START + 4  # in the middle of what directories say: senders' clocks run behind and ahead of ours


def wanted(events: Sequence[Event], model: Model) -> dict[str, set[str]]:
    for event in events:
        model.apply(event, CLOCK)
    return {user: model.roles(user) for user in EVERYBODY}


def held(world: World) -> dict[str, set[str]]:
    return {user: world.roles(user) for user in EVERYBODY}


@given(data=st.data())
def test_any_order_any_repetition_and_any_batches_end_in_the_same_roles(world: World, data: st.DataObject) -> None:
    world.empties()
    said = data.draw(directory_histories())
    expected = wanted([*beginning(), *sorted(said, key=lambda event: (event.occurred_at, event.id))], Model())
    repeats = data.draw(st.lists(st.sampled_from(said), max_size=4))
    arriving = data.draw(st.permutations([*said, *repeats]))
    world.send(*beginning(), clock=CLOCK)
    for batch in batches(data.draw, arriving):
        world.send(*batch, clock=CLOCK)
    assert held(world) == expected
    assert world.drift() == []


@given(data=st.data())
def test_directories_and_administrators_together_give_what_the_model_gives(world: World, data: st.DataObject) -> None:
    world.empties()
    model = Model()
    events = data.draw(histories())
    for batch in batches(data.draw, events):
        accepted = [model.apply(event, CLOCK) for event in batch]
        assert [isinstance(answer, Receipt) for answer in world.submit(*batch, clock=CLOCK)] == accepted
        assert held(world) == {user: model.roles(user) for user in EVERYBODY}
    assert world.drift() == []


@given(data=st.data())
def test_a_batch_has_the_effect_of_its_events_one_by_one(world: World, data: st.DataObject) -> None:
    cut = batches(data.draw, data.draw(lawless_histories()))
    world.empties().send(*beginning(), clock=CLOCK)
    together = [answer for place, batch in enumerate(cut) for answer in world.submit(*batch, clock=CLOCK + place)]
    left = world.tables()
    assert world.drift() == []
    world.empties().send(*beginning(), clock=CLOCK)
    alone = [
        answer
        for place, batch in enumerate(cut)
        for event in batch
        for answer in world.submit(event, clock=CLOCK + place)
    ]
    assert world.tables() == left
    assert [str(getattr(each, "position", each)) for each in together] == [
        str(getattr(each, "position", each)) for each in alone
    ]


@given(data=st.data())
def test_a_rebuild_gives_every_row_again(world: World, data: st.DataObject) -> None:
    world.empties().send(*beginning(), clock=CLOCK)
    for place, batch in enumerate(batches(data.draw, data.draw(lawless_histories()))):
        world.submit(*batch, clock=CLOCK + place)
    left = world.tables()
    assert world.rebuilds().tables() == left
    assert world.drift() == []
