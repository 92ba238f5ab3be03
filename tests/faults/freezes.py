"""
A disk that hangs: it neither takes nor refuses anything for a while, as a network share that is
away.  A file system of its own on a loop device, which is frozen.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import cache

from twisted.internet import reactor
from twisted.trial.unittest import SkipTest

from tests.e2e.processes import start, until
from tests.faults.commands import Terms
from tests.faults.private import ALONE, beside, needed, seen_by
from tests.faults.scenario import Act, Scenario
from tests.faults.sharing import OTHER, causes, other_again
from tests.faults.world import World

HOLD = (
    'truncate -s 256M image && mkfs.ext4 -q image && mkdir -p "$1" && mount -o loop image "$1"'
    " && echo held && exec sleep 3600"
)
ALL, OTHERS = "data", f"data/{OTHER}"
"""Folders that a disk of their own may be at: the client's, and the other capture's."""
END = 5.0
"""Seconds after a SIGTERM, and after what was taken last, in which the client has to end."""
UNSYNCED = 1.0
"""Seconds (output.fsync_interval) for which posts may not be known to be on the disk."""
MISSES = "misses posts"
"""What the log says of a capture of which more posts wait than may."""
SPARE = 3.0
"""Seconds by which a machine that has much else to do may be late."""


def own_file_system(folder: str) -> Callable[[World], Awaitable[None]]:
    """The folder is one, held by another process: it outlives the client."""

    async def prepare(world: World) -> None:
        needed()
        if not _can_freeze():
            raise SkipTest("did not run: no file system can be made here to be frozen")
        holder = start(world, world.folder, [*ALONE, "sh", "-c", HOLD, "sh", folder])
        await holder.says("held\n")
        world.prefix = beside(holder.pid, world.folder)
        world.data = seen_by(holder.pid, world.data)

    return prepare


@cache
def _can_freeze() -> bool:
    tools = all(map(shutil.which, ("mkfs.ext4", "fsfreeze", "losetup")))
    free = ["losetup", "--find"]
    return tools and subprocess.run(free, capture_output=True, timeout=10).returncode == 0


@asynccontextmanager
async def hanging(world: World, folder: str = ALL) -> AsyncIterator[None]:
    """The disk at the folder hangs meanwhile."""
    await _freeze(world, "-f", folder)
    try:
        yield
    finally:
        await _freeze(world, "-u", folder)


async def _freeze(world: World, how: str, folder: str) -> None:
    command = [*world.prefix, "fsfreeze", how, folder]
    done = await start(world, world.folder, command).finished()
    if done.status != 0:
        raise AssertionError(done.err)


async def killed_on_it(world: World, rounds: int) -> None:
    """The client is killed while it hangs, of which it dies when that is over."""
    for _ in range(rounds):
        await world.some_time(0.5, 1.5)
        world.cut(ago=UNSYNCED)
        async with hanging(world):
            await world.some_time(1.5, 3.0)
            os.kill(world.running["client"].pid, signal.SIGKILL)
            await world.some_time(0.5, 1.0)
        await world.running["client"].finished()
        await world.start("client")
        await world.recovered()


async def ended_on_it(world: World, rounds: int) -> None:
    """The client is told to end while it hangs: it says in time what it leaves, and the rest is
    as after a kill."""
    for _ in range(rounds):
        await world.some_time(0.5, 1.5)
        world.cut(ago=UNSYNCED)
        async with hanging(world):
            await world.some_time(0.5, 3.0)
            await _ends_in_time(world)
        await world.running["client"].finished()
        await world.start("client")
        await world.recovered()


async def started_on_it(world: World, rounds: int) -> None:
    """The client is started while it hangs, and captures when that is over."""
    for _ in range(rounds):
        await world.some_time(0.5, 1.5)
        world.cut(ago=UNSYNCED)
        await world.kill("client")
        async with hanging(world):
            await world.start("client")
            await world.running["client"].says("its disk does not answer")
            await world.some_time(0.5, 1.0)
        await world.recovered()


async def survived(world: World, rounds: int) -> None:
    """It hangs for a moment: nothing is lost."""
    for _ in range(rounds):
        await world.some_time(0.5, 1.5)
        async with hanging(world):
            await world.some_time(0.5, 1.0)
        await world.recovered()


def one_of_two(end: Callable[[World], Awaitable[None]]) -> Act:
    """
    The disk of the other capture hangs until it misses posts: this one stores all, and the server
    hears of that.  Then the client comes to an `end`, and the disk answers.
    """

    async def act(world: World, rounds: int) -> None:
        for _ in range(rounds):
            await world.some_time(0.0, 1.0)
            began = reactor.seconds()
            client = world.running["client"]
            before = client.out.count(MISSES)
            async with hanging(world, OTHERS):
                await until(
                    lambda client=client, before=before: client.out.count(MISSES) > before,
                    "more posts than may wait",
                    60,
                )
                await world.recovered()
                await world.reported()
                # What had waited on the way is read by then, or an end would leave it in doubt.
                await world.some_time(1.5, 2.5)
                if set(causes(world.data)) - {"start", "crash", "client_stopped"}:
                    raise AssertionError(f"The other capture has gaps: {causes(world.data)}.")
                await end(world)
            await client.finished()
            await world.start("client")
            await world.recovered()
            await other_again(world, began)

    return act


async def _dies(world: World) -> None:
    """By kill -9, of which it dies when the disk answers."""
    os.kill(world.running["client"].pid, signal.SIGKILL)
    await world.some_time(0.5, 1.0)


async def _ends_in_time(world: World) -> None:
    """
    By SIGTERM.  Its last words are what is waited for: Linux keeps a process whose thread waits for
    such a disk until that answers.
    """
    client = world.running["client"]
    os.kill(client.pid, signal.SIGTERM)
    began = reactor.seconds()
    await until(lambda: "captures are left to the next start" in client.out, "its last words", 60)
    took = reactor.seconds() - began
    if took > END + SPARE:
        raise AssertionError(f"The client took {took:.1f} s to end.")


async def _leaves_in_time(world: World) -> None:
    """The same; this capture is not wanted from then on, however long its stream is open."""
    world.cut()
    await _ends_in_time(world)


FROZEN = Terms(prepare=own_file_system(ALL))
BOUGHT = Terms(api="2", budget=10_000_000, prepare=own_file_system(ALL))
SHARED = Terms(api="2", other=OTHER, rate=400.0, stall_timeout=5.0, prepare=own_file_system(OTHERS))
KILLED = Scenario("disk hangs, kill -9", killed_on_it, FROZEN)
ALL_HANG = (
    KILLED,
    Scenario("disk hangs, SIGTERM", ended_on_it, FROZEN),
    Scenario("disk hangs", survived, FROZEN),
)
ONE_HANGS = (
    Scenario("one of two hangs", one_of_two(_dies), SHARED),
    Scenario("one hangs, SIGTERM", one_of_two(_leaves_in_time), SHARED),
)
ALL_BOUGHT = (
    Scenario("hangs, kill -9, v2", killed_on_it, BOUGHT),
    Scenario("hangs, SIGTERM, v2", ended_on_it, BOUGHT),
    Scenario("hangs at a start", started_on_it, BOUGHT),
    Scenario("disk hangs, v2", survived, BOUGHT),
)
FREEZES = (*ALL_HANG, *ALL_BOUGHT, *ONE_HANGS)
