"""
Midnight, summer time, and a clock that is set: the files turn, and nothing else does.  And a
machine that sleeps.
"""

import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import attrs
from twisted.internet import reactor
from twisted.internet.task import deferLater

from tests.e2e.faketime import HOUR, machine_clock
from tests.e2e.sleeping import sleeping_machine
from tests.faults import evidence
from tests.faults.commands import Terms
from tests.faults.link import Link
from tests.faults.scenario import Act, Scenario
from tests.faults.world import World

AHEAD = 3
"""Seconds from the start of the client to the moment when the clock turns."""
AFTER = 0.5
"""Seconds that it goes on."""


@attrs.frozen
class Turn:
    """A time zone as POSIX writes it, and the hours and minutes of the slots around the turn."""

    zone: str
    before: str
    after: str


def midnight(at: datetime) -> Turn:
    """It is midnight at `at`."""
    return Turn(f"AAA{_posix(_offset(at, 0))}", "2359", "0000")


def forward(at: datetime) -> Turn:
    """Summer time begins at `at`: after 1:59 comes 3:00."""
    offset = _offset(at, 2)
    day = _day(at + offset)
    zone = f"AAA{_posix(offset)}BBB{_posix(offset + timedelta(hours=1))},{day}/2,{day + 1}/2"
    return Turn(zone, "0159", "0300")


def back(at: datetime) -> Turn:
    """Summer time ends at `at`: after 2:59 comes 2:00."""
    offset = _offset(at, 3)
    day = _day(at + offset)
    zone = (
        f"AAA{_posix(offset - timedelta(hours=1))}BBB{_posix(offset)},{max(day - 1, 0)}/0,{day}/3"
    )
    return Turn(zone, "0259", "0200")


def _offset(at: datetime, hour: int) -> timedelta:
    """What a zone is ahead of UTC in which it is that hour at `at`, by half a day at most."""
    today = timedelta(hours=at.hour, minutes=at.minute, seconds=at.second)
    half = timedelta(hours=12)
    return (timedelta(hours=hour) - today + half) % (2 * half) - half


def _posix(offset: timedelta) -> str:
    """An offset, which POSIX counts from the zone to UTC."""
    return f"{'' if offset < timedelta() else '-'}{abs(offset)}"


def _day(at: datetime) -> int:
    """Of the year, from 0."""
    return at.timetuple().tm_yday - 1


def turning(turn_at: Callable[[datetime], Turn]) -> Act:
    """The client runs in a zone whose clock turns while posts come."""

    async def act(world: World, rounds: int) -> None:
        for _ in range(rounds):
            since, at, turn = await started_before(world, turn_at)
            await deferLater(reactor, at + AFTER - reactor.seconds())
            await world.recovered()
            check_slots(world, since, at, turn)

    return act


async def started_before(
    world: World, turn_at: Callable[[datetime], Turn]
) -> tuple[float, float, Turn]:
    """Have the client capture some seconds before a turn: since when, when it is, and which."""
    ahead = AHEAD
    while True:
        at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=ahead)
        turn = turn_at(at)
        world.environ = {"TZ": turn.zone}
        await world.kill("client")
        since = reactor.seconds()
        await world.start("client")
        await world.recovered()
        if reactor.seconds() < at.timestamp() - AFTER:
            return since, at.timestamp(), turn
        ahead *= 2  # it is a slow machine


def check_slots(world: World, since: float, at: float, turn: Turn) -> None:
    """
    Of the posts made since then, all that arrived before `at` are in the slot before it, and the
    others, which may have been made a little earlier, in the one after it.
    """
    before, after = (
        [
            time
            for path in world.data.glob(f"*_{stamp}*")
            for time in map(evidence.sent_at, evidence.read_posts([path])[0])
            if time >= since
        ]
        for stamp in (turn.before, turn.after)
    )
    if not before or not after or not max(before) <= min(at, *after) <= at <= max(after):
        raise AssertionError(f"The slots around a turn in {turn.zone} are not cut there.")


async def own_clock(world: World) -> None:
    """The client's machine has a clock of its own."""
    world.clock = await machine_clock(world, world.folder)
    world.environ = world.clock.environ


async def set_clock(world: World, rounds: int) -> None:
    """It is set forward by an hour, and back."""
    for _ in range(rounds):
        for seconds in (HOUR, -HOUR):
            await world.some_time(1.0, 2.0)
            world.clock.set(seconds)
            await world.recovered()
        await world.reported()


async def own_machine(world: World) -> None:
    """The client's machine can sleep."""
    world.machine = await sleeping_machine(world, world.folder)
    world.environ = world.machine.environ


def sleeping(least: float, most: float, meanwhile: Callable[[Link], object]) -> Act:
    """The machine sleeps for so many seconds, and `meanwhile` this becomes of its connections."""

    async def act(world: World, rounds: int) -> None:
        for _ in range(rounds):
            await world.some_time(0.5, 1.5)
            world.proxy.each(meanwhile)
            seconds = world.random.uniform(least, most)
            await stand_still(world, seconds, partial(world.machine.lay, seconds))
            await world.recovered()

    return act


async def killed_at_awakening(world: World, rounds: int) -> None:
    """The client is killed before or after it has noticed that the machine slept."""
    for _ in range(rounds):
        await world.some_time(0.5, 1.5)
        world.proxy.each(Link.hold)
        await stand_still(world, 4, partial(world.machine.lay, 4))
        await world.some_time(0.0, 3.0)
        await world.kill("client")
        await world.start("client")
        await world.recovered()


def is_kept(link: Link) -> None:
    """The connection outlives it."""


def standing_still(least: int, most: int) -> Act:
    """The client stands still for so many seconds, and the machine does not sleep."""

    async def act(world: World, rounds: int) -> None:
        for _ in range(rounds):
            await world.some_time(0.5, 1.5)
            await stand_still(world, world.random.randint(least, most))
            await world.recovered()

    return act


async def stand_still(
    world: World, seconds: float, then: Callable[[], object] = lambda: None
) -> None:
    """The client's process is stopped for so long, and `then` goes on."""
    pid = world.running["client"].pid
    world.cut()
    os.kill(pid, signal.SIGSTOP)
    await deferLater(reactor, seconds)
    then()
    os.kill(pid, signal.SIGCONT)


CALENDARS = (
    Scenario("midnight", turning(midnight)),
    Scenario("summer time", turning(forward)),
    Scenario("winter time", turning(back)),
)
CLOCK = Scenario("clock steps", set_clock, Terms(prepare=own_clock))
SLEEPS = (
    Scenario("sleep", sleeping(3, 6, Link.hold), Terms(prepare=own_machine)),
    Scenario("nap", sleeping(2, 3, is_kept), Terms(prepare=own_machine, stall_timeout=8.0)),
    Scenario("killed at the awakening", killed_at_awakening, Terms(prepare=own_machine)),
    Scenario("sleep on v2", sleeping(3, 6, Link.half_open), Terms(prepare=own_machine, api="2")),
    Scenario("nap on v2", sleeping(0.4, 1, Link.half_open), Terms(prepare=own_machine, api="2")),
)
STANDSTILLS = (
    Scenario("standstill", standing_still(3, 6)),
    Scenario("short standstill", standing_still(2, 3), Terms(stall_timeout=8.0)),
)
