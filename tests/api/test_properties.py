"""What holds for every history, whatever it is: each promise of DESIGN.md that has no exceptions."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from api.rehearsal import rehearse
from schema.events import Event, Receipt
from schema.graphql.context import Preview
from schema.kinds import Turn
from schema.problems import Problem
from schema.sql import Statement
from tests.histories import (
    EVERYBODY,
    asked,
    batches,
    beginning,
    company,
    directory_histories,
    histories,
    lawless_histories,
    new_mappings,
    sweep,
)
from tests.model import Model
from tests.world import START, World

CLOCK = START + 4  # in the middle of what directories say: senders' clocks run behind and ahead of ours
LATE = START + 100  # when every grant with an end is over
USERS = Statement("SELECT key, id FROM users")
ROLES = Statement("SELECT key, name FROM roles")


def wanted(events: Sequence[Event], model: Model) -> dict[str, set[str]]:
    for event in events:
        model.apply(event, CLOCK)
    return {user: model.roles(user) for user in EVERYBODY}


def held(world: World) -> dict[str, set[str]]:
    return {user: world.roles(user) for user in EVERYBODY}


def swept(world: World) -> None:
    """Whatever is to expire has, and been swept: `check` goes by the real clock, to which all this is long ago."""
    world.submit(sweep(99, LATE), clock=LATE)


def named(world: World, preview: Preview) -> list[tuple[str, str, int]]:
    users = {row[0]: row[1] for row in world.database.read_now(lambda session: USERS.run(session))}
    roles = {row[0]: row[1] for row in world.database.read_now(lambda session: ROLES.run(session))}
    rows = zip(preview.rows[::3], preview.rows[1::3], preview.rows[2::3], strict=True)
    return [(users[user], roles[role], turn) for user, role, turn in rows]


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
    first = [company()] if data.draw(st.booleans()) else []
    for place, batch in enumerate([*first, *batches(data.draw, data.draw(histories()))]):
        clock = CLOCK + place
        if model.is_anything_over(clock):
            model.apply(sweep(place, clock), clock)
            world.send(sweep(place, clock), clock=clock)
        left = world.tables()
        accepted = [model.apply(event, clock) for event in batch]
        assert [isinstance(answer, Receipt) for answer in world.submit(*batch, clock=clock)] == accepted
        assert held(world) == {user: model.roles(user) for user in EVERYBODY}
        assert any(accepted) or world.tables() == left
    swept(world)
    model.apply(sweep(99, LATE), LATE)
    assert held(world) == {user: model.roles(user) for user in EVERYBODY}
    assert world.drift() == []


@given(data=st.data())
def test_a_preview_is_what_setting_the_mappings_then_does(world: World, data: st.DataObject) -> None:
    world.empties().send(*company(), clock=CLOCK)
    world.submit(*data.draw(histories()), clock=CLOCK)
    world.submit(sweep(98, CLOCK + 2), clock=CLOCK + 2)  # else the command does the clock's work first
    command, organization = data.draw(new_mappings())
    event, left, log = asked("cmd_preview", command, organization), world.tables(), len(world.changes())
    seen: Preview | str
    try:
        seen = world.database.rehearse_now(lambda session: rehearse(session, event, CLOCK + 2))
    except Problem as refusal:
        seen = repr(refusal)
    assert world.tables() == left
    (answer,) = world.submit(event, clock=CLOCK + 2)
    if isinstance(answer, Problem):
        assert (seen, world.tables()) == (repr(answer), left)
        return
    assert isinstance(seen, Preview)
    turned = [(user, role, turn) for _, _, _, user, role, turn, _ in world.changes()[log:] if turn != Turn.RETAINED]
    assert (seen.granted, seen.revoked, seen.users) == (
        answer.granted,
        answer.revoked,
        len({who for who, *_ in turned}),
    )
    assert named(world, seen) == turned
    version = "SELECT mappings_version FROM organizations WHERE id = :id"
    moved = world.tables()["mappings"] != left["mappings"]
    assert world.one(version, id=organization) == seen.version + moved


@given(data=st.data())
def test_a_batch_has_the_effect_of_its_events_one_by_one(world: World, data: st.DataObject) -> None:
    cut = batches(data.draw, data.draw(lawless_histories()))
    world.empties().send(*company(), clock=CLOCK)
    together = [answer for place, batch in enumerate(cut) for answer in world.submit(*batch, clock=CLOCK + place)]
    left = world.tables()
    swept(world)
    assert world.drift() == []
    world.empties().send(*company(), clock=CLOCK)
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
    world.empties().send(*company(), clock=CLOCK)
    for place, batch in enumerate(batches(data.draw, data.draw(lawless_histories()))):
        world.submit(*batch, clock=CLOCK + place)
    swept(world)
    left = world.tables()
    assert world.rebuilds().tables() == left
    assert world.drift() == []
