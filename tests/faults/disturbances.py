"""
Somebody else changes what the client is writing: its file is replaced, moved or cut, the name of it
taken, the folder away for a while.  No post waits for that, and none is lost or counted twice.
"""

import json
import os
import shutil
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tcclient.storage.installationrecord import FILE
from tests.e2e.processes import start
from tests.faults.commands import JOB, Terms
from tests.faults.disks import troubles
from tests.faults.scenario import Act, Scenario
from tests.faults.world import World

Way = Callable[[World, Path], Awaitable[None]]
"""Does something to the file with that path, which the client is writing."""


def newest(world: World) -> Path:
    """The file that the client writes."""
    return max(world.data.glob("*.tmp"), key=lambda path: path.stat().st_mtime)


def kept(world: World) -> Path:
    """A folder for what is taken out of the client's, which is looked for there too."""
    folder = world.folder / f"kept{len(world.removed)}"
    folder.mkdir()
    (folder / f"{JOB}.ledger.jsonl").touch()
    world.removed.append(folder)
    return folder


def move(folder: Path, to: Path) -> None:
    """At once, as a disk is mounted."""
    folder.rename(to)


@contextmanager
def standstill(world: World) -> Iterator[None]:
    """The client does nothing meanwhile."""
    pid = world.running["client"].pid
    os.kill(pid, signal.SIGSTOP)
    yield
    os.kill(pid, signal.SIGCONT)


def meanwhile(act: Callable[[World, Path], None]) -> Way:
    """The client does nothing while that happens to the file: all that is in it can be kept."""

    async def way(world: World, tmp: Path) -> None:
        with standstill(world):
            act(world, tmp)

    return way


async def edited(world: World, tmp: Path) -> None:
    """A line editor puts another file in its place, from which some posts are missing."""
    done = await start(world, world.folder, ["sed", "-i", "s/a/b/", str(tmp)]).finished()
    if done.status != 0:
        raise AssertionError(done.err)


async def restored(world: World, tmp: Path) -> None:
    """An older state of it is put back, as a backup does it."""
    copy = shutil.copyfile(tmp, world.folder / "backup")
    await world.some_time(0.3, 0.8)
    if newest(world) == tmp:
        copy.rename(tmp)
    else:  # its slot is over: in this name it would be a second file with the same posts
        await restored(world, newest(world))


@meanwhile
def made_folder(world: World, tmp: Path) -> None:
    """There is a folder in its place."""
    tmp.rename(kept(world) / tmp.name)
    tmp.mkdir()


@meanwhile
def linked(world: World, tmp: Path) -> None:
    """It is elsewhere, and a link in its place leads nowhere."""
    tmp.rename(kept(world) / tmp.name)
    tmp.symlink_to("nowhere")


@meanwhile
def cut(world: World, tmp: Path) -> None:
    """Half of it is cut off, within a post; whoever does that has kept it."""
    content = tmp.read_bytes()
    size = content.rfind(b"\n", 0, len(content) // 2) + 10
    behind = content[content.rfind(b"\n", 0, size) + 1 :]
    (kept(world) / tmp.name).write_bytes(behind)
    os.truncate(tmp, size)


@meanwhile
def emptied(world: World, tmp: Path) -> None:
    """All of it is moved by copying, as `logrotate` does it with `copytruncate`."""
    shutil.copyfile(tmp, kept(world) / tmp.name)
    os.truncate(tmp, 0)


def disturbing(*ways: Way) -> Act:
    """Each of these, and no trouble with the disk; the next start finishes what is left."""

    async def act(world: World, rounds: int) -> None:
        for _ in range(rounds):
            for way in ways:
                await world.some_time(0.5, 1.0)
                tmp = newest(world)
                await way(world, tmp)
                await world.recovered()
                if tmp.is_symlink():
                    tmp.unlink()
                elif tmp.is_dir():
                    tmp.rmdir()
            await started_again(world)

    return act


async def started_again(world: World) -> None:
    """The client ends and starts, with which all is finished that was left; it had no trouble."""
    if troubles(world):
        raise AssertionError("The ledger says that the disk took no posts.")
    await world.kill("client", signal.SIGTERM)
    await world.start("client")
    await world.recovered()


async def away(world: World, rounds: int) -> None:
    """The base directory is away for three seconds, as that of a disk which is mounted anew."""
    for _ in range(rounds):
        await world.some_time(0.5, 1.0)
        elsewhere = world.folder / "away"
        move(world.data.parent, elsewhere)
        await world.some_time(2.5, 3.5)
        await comes_back(world, elsewhere)


async def comes_back(world: World, elsewhere: Path) -> None:
    """It is there again, and hides what the client has made in its place."""
    hidden = world.folder / f"hidden{len(world.removed)}"
    with standstill(world):
        move(world.data.parent, hidden)
        move(elsewhere, world.data.parent)
    world.removed.append(hidden / JOB)
    await world.recovered()
    await started_again(world)


async def killed_away(world: World, rounds: int) -> None:
    """The client dies before it has noticed that its base directory is away, and starts without."""
    for _ in range(rounds):
        await world.some_time(0.5, 1.0)
        world.cut()
        elsewhere = world.folder / "away"
        with standstill(world):
            before = known(world)
            move(world.data.parent, elsewhere)
            os.kill(world.running["client"].pid, signal.SIGKILL)
        await world.running["client"].finished()
        await world.start("client")
        await world.recovered()
        await world.some_time(0.5, 1.5)
        await comes_back(world, elsewhere)
        after = known(world)
        if after[0] != before[0] or after[1] < before[1]:
            raise AssertionError(f"Installation and budget were {before}, and are {after}.")


def known(world: World) -> tuple[str, int]:
    """The id of the installation, and how many posts of the budget are spent, if there is one."""
    base_dir = world.data.parent
    records = map(json.loads, map(Path.read_bytes, base_dir.glob("tcc.budget.*.json")))
    id = json.loads((base_dir / FILE).read_bytes())["id"]
    return id, sum(record["month_posts"] for record in records)


REPLACED = Scenario("file replaced", disturbing(edited, restored, made_folder, linked))
CUT = Scenario("file cut", disturbing(cut, emptied))
AWAY = Scenario("base_dir away", away)
KILLED_AWAY = Scenario("away, kill -9", killed_away)
DISTURBANCES = (
    REPLACED,
    CUT,
    AWAY,
    KILLED_AWAY,
    Scenario("file replaced, v2", disturbing(restored, made_folder, linked, cut), Terms(api="2")),
    Scenario("base_dir away, v2", away, Terms(api="2")),
    Scenario("away, kill -9, v2", killed_away, Terms(api="2", budget=10_000_000)),
)
