"""Twitter says no, again and again: attempts keep to the documented ramps."""

from itertools import pairwise

from twisted.internet import reactor
from twisted.internet.task import deferLater

from tcclient.runtime.backoff import HTTP_RAMP, Ramp, Trouble
from tests.faults.link import Link
from tests.faults.scenario import Act, Scenario
from tests.faults.world import World

LATE = 1.5
"""Seconds by which an attempt may come after its time, on a busy machine."""
EARLY = 0.05


def storm(status: int, ramp: Ramp) -> Act:
    """So many waits of the ramp in a row, each after another refusal."""

    async def act(world: World, rounds: int) -> None:
        began = reactor.seconds()
        await world.twitter("fault", kind="status", status=status, times=10_000)
        world.proxy.each(Link.reset)
        while len(made := await world.attempts(began)) <= rounds:
            await deferLater(reactor, 0.2)
        await world.twitter("fault", kind="clear")
        await world.recovered(ramp.wait(rounds + 1) + 10)
        check_waits(status, ramp, made)

    return act


def check_waits(status: int, ramp: Ramp, made: list[float]) -> None:
    """Raises AssertionError where the time between two attempts is not the ramp's."""
    for number, (one, other) in enumerate(pairwise(made), 1):
        due = ramp.wait(number)
        if not due - EARLY <= other - one <= due + LATE:
            raise AssertionError(f"{other - one:.2f} s after refusal {number} by {status}: {due} s")


def first_of(status: int) -> Act:
    """A refusal whose ramp begins with a minute: there is no attempt for a while."""

    async def act(world: World, rounds: int) -> None:
        for _ in range(rounds):
            began = reactor.seconds()
            await world.twitter("fault", kind="status", status=status, times=10_000)
            world.proxy.each(Link.reset)
            await world.some_time(4.0, 5.0)
            made = await world.attempts(began)
            await world.twitter("fault", kind="clear")
            await world.kill("client")  # a new process has not been refused
            await world.start("client")
            await world.recovered()
            if len(made) != 1:
                raise AssertionError(f"{len(made)} attempts within 4 s of an answer {status}.")

    return act


STORM_503 = Scenario("503 storm", storm(503, HTTP_RAMP))
FIRST_420 = Scenario("420", first_of(420))
STORMS = (
    STORM_503,
    # These credentials have worked, so that it may pass by itself.
    Scenario("401 storm", storm(401, HTTP_RAMP)),
    Scenario("420 storm", storm(420, Trouble.RATE_LIMIT.ramp)),
    Scenario("429 storm", storm(429, Trouble.RATE_LIMIT.ramp)),
)
