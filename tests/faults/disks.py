"""A small disk of its own for the client: it is full, or nearly, or is mounted read-only."""

import errno
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import attrs

from tests.e2e.processes import start
from tests.faults import evidence
from tests.faults.commands import JOB, Terms
from tests.faults.link import Link
from tests.faults.private import ALONE, beside, needed, seen_by
from tests.faults.scenario import Act, Scenario
from tests.faults.world import World

SIZE = 64 << 20
"""Bytes, enough for some twenty rounds."""
ROOM = 1 << 20
"""Bytes that are left of a disk that is about to be full."""
NOTHING = 100_000
"""Bytes that are soon used up."""
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
        while True:
            try:
                os.posix_fallocate(file.fileno(), 0, free(disk) - leaving)
                return filler
            except OSError as e:
                if e.errno != errno.ENOSPC:  # somebody has written since it was asked
                    raise


def free(disk: Path) -> int:
    """Bytes."""
    state = os.statvfs(disk)
    return state.f_bavail * state.f_frsize


async def trouble(world: World, harm: AbstractContextManager[object], *, lost: bool) -> None:
    """
    The disk takes no posts within `harm`, and is tried again some times; `lost`: meanwhile the
    connection is, with what has not been read.
    """
    before = troubles(world)
    await world.some_time(0.0, 1.0)
    world.cut()
    with harm:
        await world.some_time(1.5, 2.5)
        if lost:
            world.proxy.each(Link.reset)
        await world.some_time(0.0, 1.0)
    await world.recovered()
    if troubles(world) == before:
        raise AssertionError("The ledger does not say that the disk took no posts.")


def troubles(world: World) -> int:
    """How often the ledger says that."""
    lines = evidence.ledger_lines(world.data / f"{JOB}.ledger.jsonl")
    return sum(line["kind"] == "disk_trouble" for line in lines)


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """There is room for some posts and no more."""
    filler = fill(disk, leaving=NOTHING)
    yield
    filler.unlink()


async def full_disk(world: World, rounds: int) -> None:
    """It fills up under load, stays full for a while, and then there is room again."""
    for number in range(rounds):
        await trouble(world, filled(world.data.parent), lost=number % 2 == 1)


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


def death_on_it(*, room_first: bool) -> Act:
    """The client dies on a full disk, and starts when there is room, or before there is."""

    async def act(world: World, rounds: int) -> None:
        disk = world.data.parent
        for _ in range(rounds):
            world.cut()
            filler = fill(disk, leaving=NOTHING)
            await world.some_time(1.5, 4.5)  # in which it is tried again, some times
            await world.kill("client")
            if room_first:
                filler.unlink()
            await world.start("client")
            if not room_first:
                await world.some_time(1.0, 3.0)
                filler.unlink()
            await world.recovered()

    return act


async def start_read_only(world: World, rounds: int) -> None:
    """
    The client is started while the disk can only be read.  The system does not make it so under a
    running one, which has files open: see `baddisk` for that.
    """
    for _ in range(rounds):
        await world.some_time(0.0, 1.0)
        await world.kill("client")
        await remount(world, "ro")
        await world.start("client")
        await world.some_time(1.0, 3.0)
        await remount(world, "rw")
        await world.recovered()


async def remount(world: World, how: str) -> None:
    """Mount the disk anew."""
    command = [*world.prefix, "mount", "-o", f"remount,{how}", "data"]
    done = await start(world, world.folder, command).finished()
    if done.status != 0:
        raise AssertionError(done.err)


SMALL = Terms(prepare=small_disk)
FULL_DISK = Scenario("disk full", full_disk, SMALL)
LITTLE_ROOM = Scenario(
    "min_free_bytes", little_room, Terms(prepare=small_disk, min_free_bytes=4 * ROOM)
)
DEATHS = (
    Scenario("full, kill -9", death_on_it(room_first=True), SMALL),
    Scenario("full at a start", death_on_it(room_first=False), SMALL),
)
DISKS = (
    FULL_DISK,
    LITTLE_ROOM,
    *DEATHS,
    Scenario("full, kill -9, v2", death_on_it(room_first=True), attrs.evolve(SMALL, api="2")),
    Scenario("start read-only", start_read_only, SMALL),
)
