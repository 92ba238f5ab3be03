"""
What befalls real time, and that a person's wish is done in spite of it; each leaves the world well.
"""

import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import attrs

from tests.faults.accounting import Row, judge
from tests.faults.calendars import own_clock
from tests.faults.commands import Terms
from tests.livefaults.world import LiveWorld

Act = Callable[[LiveWorld, float], Awaitable[None]]
"""Does its harm for as long as a share says: 1.0 in the whole form, less in the short one."""
RATE = 20.0
STEP = 100
"""Seconds by which the clock is set: whose is five minutes off is refused by Twitter."""


@attrs.frozen
class LiveScenario:
    """A name, what happens, and the world in which it does."""

    name: str
    act: Act
    terms: Terms = attrs.field(factory=lambda: Terms(rate=RATE, stall_timeout=90.0))
    module: str = "tcserver"
    """The servers'."""
    pushes: bool = True
    """Whether the client has a channel."""


async def play(scenario: LiveScenario, share: float, folder: Path, seed: int = 1) -> Row:
    """The scenario's row.  Raises AssertionError where a wish is not done at all."""
    world = LiveWorld(folder, scenario.terms, seed, module=scenario.module, pushes=scenario.pushes)
    try:
        await world.begin()
        await world.flow()
        await world.by_channel()
        await scenario.act(world, share)
        await again(world)
        wrong = await world.settle()
        if world.gaps() > world.cuts:
            wrong.append(f"{world.gaps()} gaps, where polls alone have {world.cuts}")
        period = await world.close()
        row = judge(scenario.name, await world.evidence(period), world.recoveries)
        return attrs.evolve(row, wrong=(*row.wrong, *wrong))
    finally:
        await world.end()


async def again(world: LiveWorld) -> None:
    """Stop and start it, as a person does at the other server; posts are on the disk again."""
    world.recoveries.append(await world.wants(4))
    world.recoveries.append(await world.wants(2))
    await world.recovered()


def on_the_road(line: str, least: float = 0.0) -> Act:
    """Frames are handed on in this way for a while: a wish is done meanwhile."""

    async def act(world: LiveWorld, share: float) -> None:
        world.relay(line)
        await world.some_time(least * share, least * share + 2.0)
        await again(world)
        world.relay("well")
        world.relay("cut")
        await world.by_channel()

    return act


async def cut(world: LiveWorld, share: float) -> None:
    """Sockets end amid what is said."""
    for _ in range(max(1, round(5 * share))):
        await world.some_time(0.0, 3.0)
        world.relay("cut")
        await again(world)


async def half_open(world: LiveWorld, share: float) -> None:
    """The road takes everything and hands nothing on, until the client hangs up by itself."""
    pid = world.running["relay"].pid
    os.kill(pid, signal.SIGSTOP)
    try:
        await again(world)
    finally:
        os.kill(pid, signal.SIGCONT)
    await world.by_channel()


async def server_killed(world: LiveWorld, share: float) -> None:
    """A server dies amid pieces of ledgers that it has not acknowledged."""
    for _ in range(max(1, round(3 * share))):
        await world.cut_stream()
        await world.some_time(0.0, 0.5)
        await world.kill("server")
        await world.some_time(0.0, 2.0)
        await world.start("server")
        await again(world)


async def client_killed(world: LiveWorld, share: float) -> None:
    """The client dies amid what it tells, and is started again."""
    for _ in range(max(1, round(3 * share))):
        await world.some_time(0.0, 2.0)
        world.cuts += 1
        await world.kill("client")
        await world.start("client")
        await world.recovered()
        await world.by_channel()


async def client_stopped(world: LiveWorld, share: float) -> None:
    """The client stands still for longer than its session lives."""
    pid = world.running["client"].pid
    world.cut()
    world.cuts += 1
    os.kill(pid, signal.SIGSTOP)
    try:
        await world.some_time(60.0 * share, 61.0 * share)
    finally:
        os.kill(pid, signal.SIGCONT)
    await world.recovered()
    await world.by_channel()


async def redis_away(world: LiveWorld, share: float) -> None:
    """Redis is killed, and comes back after a minute."""
    world.redis.kill()
    await again(world)
    await world.some_time(60.0 * share, 61.0 * share)
    world.redis.start()
    await again(world)


async def database_restarted(world: LiveWorld, share: float) -> None:
    """PostgreSQL goes under open sockets, with and without a good-bye, and comes back."""
    for mode in ("fast", "immediate"):
        await world.cut_stream()
        await world.some_time(0.0, 1.0)
        world.postgres.stop(mode)
        await world.some_time(5.0 * share, 10.0 * share)
        world.postgres.start()
        await world.by_channel()
        await again(world)


async def clock_steps(world: LiveWorld, share: float) -> None:
    """The clock of the client's machine is set, forth and back."""
    for seconds in (STEP, -STEP):
        world.clock.set(seconds)
        await world.some_time(1.0, 2.0)
        await again(world)


async def as_always(world: LiveWorld, share: float) -> None:
    """Nothing but wishes."""
    for _ in range(max(1, round(10 * share))):
        await again(world)


SCENARIOS = (
    LiveScenario("socket cut", cut),
    LiveScenario("half-open", half_open),
    LiveScenario("delayed 30 s", on_the_road("delay 30", 30.0)),
    LiveScenario("doubled", on_the_road("double", 5.0)),
    LiveScenario("swapped", on_the_road("swap", 5.0)),
    LiveScenario("kill -9 server", server_killed),
    LiveScenario("kill -9 client", client_killed),
    LiveScenario("client stopped", client_stopped),
    LiveScenario("cut at 60 s", on_the_road("age 60", 130.0)),
    LiveScenario("Redis away", redis_away),
    LiveScenario("database restarts", database_restarted),
    LiveScenario("every other hint", as_always, module="tests.livefaults.lossyserver"),
    LiveScenario(
        "clock steps", clock_steps, Terms(rate=RATE, stall_timeout=90.0, prepare=own_clock)
    ),
)
TWINS = tuple(attrs.evolve(one, name=f"polls: {one.name}", pushes=False) for one in SCENARIOS)
"""The same with a client that only polls, whose gaps are the measure of what a channel may cost."""
