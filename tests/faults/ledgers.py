"""
The ledger itself: a month ends while the client dies, and somebody removes it, or puts an old one
back, while no client runs.
"""

import shutil
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from twisted.internet import reactor

from tcclient.ledger.gaps import IN_FLIGHT
from tcclient.ledger.segments import files, finished
from tests.e2e.faketime import machine_clock
from tests.faults.accounting import Span
from tests.faults.commands import JOB, Terms
from tests.faults.disturbances import kept
from tests.faults.scenario import Act, Scenario
from tests.faults.world import World

AHEAD = 12
"""Seconds from the start of the client to the end of its month, on a machine that is not slow."""


async def month_ends_soon(world: World) -> None:
    """
    The client's machine has a clock by which the month ends in some seconds.  API v2 does not ask
    for the time.
    """
    world.clock = await machine_clock(world, world.folder)
    world.environ = world.clock.environ
    today = datetime.now(UTC)
    next_month = (today.replace(day=1) + timedelta(days=31)).replace(
        day=1, hour=0, minute=0, second=0, microsecond=0
    )
    world.ahead = int((next_month - today).total_seconds()) - AHEAD
    world.clock.set(world.ahead)


async def dying_at_a_months_end(world: World, rounds: int) -> None:
    """The client dies and is started again, until the month is over, and then some times more."""
    ledger = world.data / f"{JOB}.ledger.jsonl"
    begin = reactor.seconds()
    while not finished(ledger):
        await killed(world)
        if reactor.seconds() - begin > 10 * AHEAD:
            raise AssertionError("The month does not end.")
    for _ in range(rounds):
        await killed(world)
    ends = len(finished(ledger))
    if ends != 1:
        raise AssertionError(f"One month has ended, and the ledger has {ends} files of such.")


async def killed(world: World) -> None:
    """The client dies at any moment, and is started again."""
    await world.some_time(0.0, 1.0)
    await world.kill("client")
    await world.start("client")
    await world.recovered()


def while_it_is_down(
    act: Callable[[World, Path], None],
    *,
    by: signal.Signals = signal.SIGTERM,
    tells_stop: bool = True,
) -> Act:
    """
    This happens to the ledger once the client has ended `by` a signal; it was copied some time
    before.  Where the next one does not find when the client before it had stopped, nobody knows
    what was missed.
    """

    async def play(world: World, rounds: int) -> None:
        ledger = world.data / f"{JOB}.ledger.jsonl"
        for _ in range(rounds):
            shutil.copyfile(ledger, world.folder / "backup")
            await world.some_time(0.5, 1.5)
            await world.kill("client", signal.SIGKILL)
            await world.start("client")
            await world.recovered()
            since = reactor.seconds() - IN_FLIGHT
            await world.kill("client", by)
            act(world, ledger)
            await world.start("client")
            await world.recovered()
            if not tells_stop:
                world.unwanted.append(Span(since, reactor.seconds()))

    return play


def removed(world: World, ledger: Path) -> None:
    """All of it is removed."""
    folder = kept(world)
    for file in files(ledger):
        file.rename(folder / file.name)


def restored(world: World, ledger: Path) -> None:
    """It is put back as it was before."""
    shutil.copyfile(ledger, kept(world) / ledger.name)
    shutil.copyfile(world.folder / "backup", ledger)


async def written_over(world: World, rounds: int) -> None:
    """While the client runs an older copy of the ledger is written over it."""
    ledger = world.data / f"{JOB}.ledger.jsonl"
    for _ in range(rounds):
        shutil.copyfile(ledger, world.folder / "backup")
        await world.some_time(0.5, 1.5)
        await killed(world)
        restored(world, ledger)
        await world.some_time(0.5, 1.5)
        await world.kill("client", signal.SIGTERM)
        await world.start("client")
        await world.recovered()


MONTHS_END = Scenario(
    "kill -9, month's end", dying_at_a_months_end, Terms(prepare=month_ends_soon, api="2")
)
LEDGERS = (
    Scenario("ledger removed", while_it_is_down(removed, tells_stop=False)),
    Scenario("ledger restored", while_it_is_down(restored)),
    Scenario(
        "kill -9, ledger removed",
        while_it_is_down(removed, by=signal.SIGKILL, tells_stop=False),
    ),
    Scenario("SIGTERM, ledger written over", written_over),
    Scenario("kill -9, ledger restored", while_it_is_down(restored, by=signal.SIGKILL)),
)
