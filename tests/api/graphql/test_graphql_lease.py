"""The lease of a live connection: looked at on a shared tick, and ended with the reason."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from api.graphql.lease import until_it_ends
from schema.graphql.context import Credential, Viewer, ViewerKind
from schema.problems import Problem, Unauthenticated, Unavailable

pytestmark = pytest.mark.anyio
ADA = Viewer(ViewerKind.USER, "user:ada", False, "org", "ada")
WITHIN = 5.0


class Gate:
    """Answers from a list, then says no; remembers who asked, and when."""

    def __init__(self, *answers: Viewer | Problem) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[Credential, float]] = []

    async def authenticate(self, credential: Credential) -> Viewer:
        self.asked.append((credential, asyncio.get_running_loop().time()))
        answer = self.answers.pop(0) if self.answers else Unauthenticated("it was revoked")
        if isinstance(answer, Problem):
            raise answer
        return answer

    async def ends(self, viewer: Viewer = ADA, recheck: float = 0.05) -> str:
        async with asyncio.timeout(WITHIN):
            return await until_it_ends(self.authenticate, "Bearer x", viewer, recheck=recheck)


async def test_it_ends_with_the_words_of_the_refusal_and_counts_as_no_attempt() -> None:
    gate = Gate(ADA, Unavailable("nobody can tell"), ADA)
    assert await gate.ends() == "it was revoked"
    assert {credential for credential, _ in gate.asked} == {Credential("Bearer x", None)}
    assert len(gate.asked) == 4


@pytest.mark.parametrize(
    "other",
    [replace(ADA, user_id="bob"), replace(ADA, organization_id="other"), replace(ADA, may_write=True)],
    ids=["user", "organization", "rights"],
)
async def test_it_ends_when_the_credential_comes_to_mean_something_else(other: Viewer) -> None:
    assert "something else" in await Gate(ADA, other).ends()


async def test_it_ends_at_its_expiry_though_nobody_can_tell_and_says_so() -> None:
    for kind, words in ((ViewerKind.USER, "this token has expired"), (ViewerKind.API_KEY, "this API key has expired")):
        until = time.time_ns() + 120_000_000
        gate = Gate(*[Unavailable("nobody can tell")] * 1000)
        assert await gate.ends(replace(ADA, kind=kind, expires_at=until)) == words
        assert time.time_ns() >= until


async def test_it_ends_at_its_expiry_though_a_look_up_hangs() -> None:
    asked: list[Credential] = []

    async def hangs(credential: Credential) -> Viewer:
        asked.append(credential)
        await asyncio.sleep(60)
        return ADA

    until = time.time_ns() + 300_000_000
    async with asyncio.timeout(WITHIN):
        words = await until_it_ends(hangs, "Bearer x", replace(ADA, expires_at=until), recheck=0.05)
    assert (words, len(asked)) == ("this token has expired", 1)
    assert time.time_ns() >= until


async def test_a_timeout_of_the_look_up_itself_is_not_taken_for_an_expiry() -> None:
    async def fails(_: Credential) -> Viewer:
        raise TimeoutError("of its own")

    with pytest.raises(TimeoutError, match="of its own"):
        async with asyncio.timeout(WITHIN):
            await until_it_ends(fails, "Bearer x", replace(ADA, expires_at=time.time_ns() + 10**12), recheck=0.05)


async def test_connections_are_looked_at_together() -> None:
    gate = Gate()
    leases = []
    for _ in range(30):
        leases.append(asyncio.create_task(gate.ends(recheck=0.5)))
        await asyncio.sleep(0.01)
    await asyncio.gather(*leases)
    woken: dict[int, list[float]] = {}
    for _, at in gate.asked:
        woken.setdefault(int(at * 2), []).append(at)  # by ticks of half a second
    assert len(woken) <= 2  # 0.3 s of arrivals touch one tick, or two
    assert all(max(times) - min(times) < 0.1 for times in woken.values())
