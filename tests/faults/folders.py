"""
The client's folder: a disk below it that refuses, no permission, taken away, or another's already.
"""

import os
import resource
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.processes import python, start, until
from tests.faults import baddisk
from tests.faults.commands import ARGUMENTS, Terms
from tests.faults.disks import trouble, troubles
from tests.faults.scenario import Act, Scenario
from tests.faults.world import World

ORDER = "refuse"
"""The file in the world's folder by which its disk refuses."""
NOBODY = 65534
BOUND = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
"""What stands before a command for which permissions count, though root runs it."""


async def bad_disk(world: World) -> None:
    """The client writes to a disk that can be told to refuse."""
    world.client = python(baddisk.__file__, str(world.folder / ORDER), *ARGUMENTS)


def refusing(error: str) -> Act:
    """The disk answers with this error, for a while."""

    async def act(world: World, rounds: int) -> None:
        for number in range(rounds):
            await trouble(world, ordered(world.folder / ORDER, error), lost=number % 2 == 1)

    return act


async def no_links(world: World, rounds: int) -> None:
    """The disk gives no file a second name, which is no trouble; the client dies and ends."""
    before = troubles(world)
    with ordered(world.folder / ORDER, "EXDEV"):
        for _ in range(rounds):
            for number in (signal.SIGTERM, signal.SIGKILL):
                await world.some_time(0.5, 1.5)
                await world.kill("client", number)
                await world.start("client")
                await world.recovered()
    if troubles(world) != before:
        raise AssertionError("The ledger says that the disk took no posts.")


@contextmanager
def ordered(order: Path, error: str) -> Iterator[None]:
    """The disk has an order to refuse."""
    draft = order.with_suffix(".draft")
    draft.write_text(error)
    draft.rename(order)
    yield
    order.unlink()


async def limited_files(world: World, rounds: int) -> None:
    """No file of the client's may become larger than some posts; it has to begin others."""
    pid, before = world.running["client"].pid, troubles(world)
    for _ in range(rounds):
        await world.some_time(0.0, 1.0)
        [current] = world.data.glob("*.tmp")
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        limit = current.stat().st_size + 5_000  # within a post or two
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (limit, hard))
        enough = 2 + len(list(world.data.glob("*.json")))
        await until(lambda n=enough: len(list(world.data.glob("*.json"))) >= n, "two more files")
        await world.recovered()
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))
    if troubles(world) != before:
        raise AssertionError("The ledger says that the disk took no posts.")


async def second_client(world: World, rounds: int) -> None:
    """It is refused with a clear message; after the death of the first there is room for it."""
    for _ in range(rounds):
        second = start(world, world.folder, [*world.prefix, *world.client])
        await second.says(f"runs already, as another process, below {world.data.parent}")
        await second.end(signal.SIGTERM)
        await world.kill("client")
        await world.start("client")
        await world.recovered()


async def ordinary(world: World) -> None:
    """The client may do what its user may, also where that is root."""
    world.prefix = BOUND


async def no_permission(world: World, rounds: int) -> None:
    """Nothing may be done in the client's folder, or in the one above it, for a while."""
    for number in range(rounds):
        for folder in (world.data, world.data.parent):
            await trouble(world, closed(folder), lost=number % 2 == 1)


@contextmanager
def closed(folder: Path) -> Iterator[None]:
    """Nobody may do anything in it; where this is root's, it is somebody else's too."""
    before = folder.stat()
    folder.chmod(0)
    if BOUND:
        os.chown(folder, NOBODY, NOBODY)
    yield
    os.chown(folder, before.st_uid, before.st_gid)
    folder.chmod(before.st_mode)


async def removed(world: World, rounds: int) -> None:
    """The folder is removed while posts are written to it, or the one above it."""
    for _ in range(rounds):
        for folder in (world.data, world.data.parent):
            await world.some_time(0.5, 1.5)
            kept = world.folder / f"kept{len(world.removed)}"
            shutil.copytree(world.data, kept, copy_function=os.link)
            world.removed.append(kept)
            gone = folder.rename(world.folder / "gone")  # at once: it is not made again meanwhile
            shutil.rmtree(gone)
            await world.recovered()


LIMITED_FILES = Scenario("ulimit -f", limited_files)
SECOND_CLIENT = Scenario("two clients", second_client)
BAD_DISK = Terms(prepare=bad_disk)
REFUSING = (
    Scenario("EIO", refusing("EIO"), BAD_DISK),
    Scenario("read-only", refusing("EROFS"), BAD_DISK),
)
NO_LINKS = Scenario("EXDEV", no_links, BAD_DISK)
REMOVED = Scenario("folder removed", removed)
NO_PERMISSION = Scenario("no permission", no_permission, Terms(prepare=ordinary))
FOLDERS = (LIMITED_FILES, SECOND_CLIENT, *REFUSING, NO_LINKS, NO_PERMISSION, REMOVED)
