"""The memory of idempotent requests, on each database."""

from __future__ import annotations

import asyncio

import pytest

from api.database import Database
from api.graphql.idempotency import Caller, KeyReused
from api.ingest import Ingest
from api.replies import KEPT, Replies
from api.sweep import Sweep
from schema.sql import Statement
from tests.world import World

pytestmark = pytest.mark.anyio
ADA, BOB = Caller("key_ada", "rk_adas_secret"), Caller("key_bob", "rk_bobs_secret")
ASKED, OTHER = b"what was asked", b"something else"
SECRET = b'{"data":{"createApiKey":{"secret":"rk_new"}}}'
ROWS = Statement("SELECT scope, key, fingerprint, seed, answer FROM replies ORDER BY scope, key")


class Memory:
    """Replies with a clock that a test moves."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now = 1_000_000_000
        self.replies = Replies(database, lambda: self.now)

    def rows(self) -> list[tuple[object, ...]]:
        return [tuple(row) for row in self.database.read_now(lambda session: ROWS.run(session))]


@pytest.fixture
def memory(database: Database) -> Memory:
    return Memory(database)


async def test_the_second_attempt_finds_the_seed_and_then_the_answer_of_the_first(memory: Memory) -> None:
    first = await memory.replies.claim(ADA, "k", ASKED)
    assert first.answer is None
    assert await memory.replies.claim(ADA, "k", ASKED) == first
    assert await memory.replies.keep(ADA, "k", first.seed, SECRET) == SECRET
    assert await memory.replies.claim(ADA, "k", ASKED) == (first.seed, SECRET)


async def test_the_first_answer_that_was_kept_stays(memory: Memory) -> None:
    seed = (await memory.replies.claim(ADA, "k", ASKED)).seed
    kept = await asyncio.gather(*(memory.replies.keep(ADA, "k", seed, b"answer %d" % n) for n in range(5)))
    assert len(set(kept)) == 1
    assert (await memory.replies.claim(ADA, "k", ASKED)).answer == kept[0]


async def test_a_key_is_for_one_request_of_one_credential(memory: Memory) -> None:
    mine = await memory.replies.claim(ADA, "k", ASKED)
    await memory.replies.keep(ADA, "k", mine.seed, SECRET)
    with pytest.raises(KeyReused, match="used for another request"):
        await memory.replies.claim(ADA, "k", OTHER)
    assert (await memory.replies.claim(BOB, "k", OTHER)).answer is None
    assert (await memory.replies.claim(ADA, "l", OTHER)).answer is None


async def test_an_answer_is_read_by_nobody_who_has_only_the_database(memory: Memory) -> None:
    seed = (await memory.replies.claim(ADA, "k", ASKED)).seed
    await memory.replies.keep(ADA, "k", seed, SECRET)
    ((_, _, _, _, answer),) = memory.rows()
    assert isinstance(answer, (bytes, memoryview))
    assert b"rk_new" not in bytes(answer)
    assert b"createApiKey" not in bytes(answer)
    assert b"adas_secret" not in repr(memory.rows()).encode()
    for thief in (ADA._replace(secret="rk_another"), ADA._replace(secret="")):
        with pytest.raises(KeyReused, match="another credential"):
            await memory.replies.claim(thief, "k", ASKED)


async def test_after_a_day_the_key_is_free_again_and_what_it_causes_is_new(memory: Memory) -> None:
    first = await memory.replies.claim(ADA, "k", ASKED)
    await memory.replies.keep(ADA, "k", first.seed, SECRET)
    memory.now += KEPT - 1
    assert (await memory.replies.claim(ADA, "k", ASKED)).answer == SECRET
    memory.now += 1
    second = await memory.replies.claim(ADA, "k", OTHER)
    assert second.answer is None
    assert second.seed != first.seed
    assert await memory.replies.keep(ADA, "k", first.seed, b"late") == b"late", "its caller is answered all the same"
    assert (await memory.replies.claim(ADA, "k", OTHER)).answer is None


async def test_the_sweep_forgets_what_is_older_than_a_day(memory: Memory) -> None:
    await memory.replies.claim(ADA, "old", ASKED)
    memory.now += KEPT // 2
    await memory.replies.claim(ADA, "new", ASKED)
    memory.now += KEPT // 2
    ingest = Ingest(memory.database, clock=lambda: memory.now, size=1, committed=lambda _change, _event: None)
    await Sweep(memory.database, ingest, lambda: memory.now).forget()
    assert [row[1] for row in memory.rows()] == ["new"]


async def test_a_rebuild_leaves_the_memory_as_it_is(memory: Memory, world: World) -> None:
    world.role("guest").joins("ada")
    seed = (await memory.replies.claim(ADA, "k", ASKED)).seed
    await memory.replies.keep(ADA, "k", seed, SECRET)
    before = memory.rows()
    world.rebuilds()
    assert [[bytes(x) if isinstance(x, memoryview) else x for x in row] for row in memory.rows()] == [
        [bytes(x) if isinstance(x, memoryview) else x for x in row] for row in before
    ]
    assert (await memory.replies.claim(ADA, "k", ASKED)).answer == SECRET


def test_a_caller_does_not_show_its_secret() -> None:
    assert (repr(ADA), "rk_adas_secret" in f"{ADA}") == ("Caller('key_ada')", False)


async def test_where_more_is_old_than_one_look_forgets_the_next_look_goes_on(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("api.sweep", "api.replies"):
        monkeypatch.setattr(f"{module}.SWEPT_AT_ONCE", 2)
    monkeypatch.setattr("api.sweep.LOOK_SECONDS", 0.01)
    monkeypatch.setattr("api.sweep.FORGET_EVERY", 1_000_000)  # looks, hours: the test does not see a second round
    for number in range(5):
        await memory.replies.claim(ADA, f"old {number}", ASKED)
    memory.now += KEPT
    await memory.replies.claim(ADA, "new", ASKED)
    ingest = Ingest(memory.database, clock=lambda: memory.now, size=1, committed=lambda _change, _event: None)
    running = asyncio.create_task(Sweep(memory.database, ingest, lambda: memory.now).run())
    for _ in range(1000):
        if [row[1] for row in memory.rows()] == ["new"]:
            break
        await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert [row[1] for row in memory.rows()] == ["new"]
