"""The disk is full, or refuses; and two clients that want the same folder."""

import os
import resource
import signal
from pathlib import Path

from tests.e2e.processes import start, twistd, until
from tests.faults.commands import Terms
from tests.faults.private import ALONE, beside, needed, seen_by
from tests.faults.scenario import Scenario
from tests.faults.world import World

SIZE = 24 << 20
ROOM = 1 << 20
"""Bytes that are left of a disk that is about to be full."""
NOTHING = 100_000
"""Bytes that are less than what comes at once."""
HOLD = f'mkdir data && mount -t tmpfs -o size={SIZE} tmpfs data && echo held && exec sleep "$1"'


async def small_disk(world: World) -> None:
    """The client's folder is a disk of its own, held by another process: it outlives the client."""
    needed()
    command = [*ALONE, "sh", "-c", HOLD, "sh", "3600"]
    holder = start(world, world.folder, command)
    await holder.says("held\n")
    world.prefix = beside(holder.pid, world.folder)
    world.data = seen_by(holder.pid, world.data)


def fill(disk: Path, leaving: int = ROOM) -> Path:
    """A file after which there is hardly any room left; it is in nobody's way."""
    filler = disk / "filler"
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, free(disk) - leaving)
    return filler


def free(disk: Path) -> int:
    """Bytes."""
    state = os.statvfs(disk)
    return state.f_bavail * state.f_frsize


async def full_disk(world: World, rounds: int) -> None:
    """It fills up under load, stays full for a while, and then there is room again."""
    disk = world.data.parent
    for _ in range(rounds):
        filler = fill(disk)
        await until(lambda: free(disk) < NOTHING, "the disk full")
        world.cut()
        await world.some_time(1.0, 2.0)
        filler.unlink()
        await world.recovered()


async def little_room(world: World, rounds: int) -> None:
    """Less is left than the settings want: it is not used up, and nothing is read meanwhile."""
    disk = world.data.parent
    for _ in range(rounds):
        await world.some_time(0.0, 1.0)
        filler = fill(disk, leaving=world.terms.min_free_bytes - ROOM)
        world.cut()
        await world.some_time(3.0, 4.0)
        if free(disk) < ROOM:  # so much is not written between two looks at it
            raise AssertionError(f"{free(disk)} bytes are left, of {world.terms.min_free_bytes}.")
        filler.unlink()
        await world.recovered()


async def refused_writes(world: World, rounds: int) -> None:
    """The system cuts a write of the client's and refuses the next ones, for a while."""
    pid = world.running["client"].pid
    for _ in range(rounds):
        await world.some_time(0.0, 1.0)
        [current] = world.data.glob("*.tmp")
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        limit = current.stat().st_size + 5_000  # within a post or two
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (limit, hard))
        world.cut()
        await world.some_time(1.0, 2.0)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))
        await world.recovered()


async def second_client(world: World, rounds: int) -> None:
    """It is refused with a clear message; after the death of the first there is room for it."""
    command = [*world.prefix, *twistd("-n", "--pidfile=", "tcc", "--config", "settings.json")]
    for _ in range(rounds):
        second = start(world, world.folder, command)
        await second.says(f"Another client captures into {str(world.data)!r}")
        await second.end(signal.SIGTERM)
        await world.kill("client")
        await world.start("client")
        await world.recovered()


FULL_DISK = Scenario("disk full", full_disk, Terms(prepare=small_disk))
LITTLE_ROOM = Scenario(
    "min_free_bytes", little_room, Terms(prepare=small_disk, min_free_bytes=4 * ROOM)
)
WRITES_REFUSED = Scenario("writes refused", refused_writes)
SECOND_CLIENT = Scenario("two clients", second_client)
DISKS = (FULL_DISK, LITTLE_ROOM, WRITES_REFUSED, SECOND_CLIENT)
