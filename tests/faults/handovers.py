"""A job that goes from one client to another and back, or ends, also while its client is down."""

import json
import signal
from typing import Any

from tests.e2e.processes import start, twistd, until
from tests.faults import commands, evidence
from tests.faults.commands import JOB, KEYWORDS, OTHER, OTHER_TOKEN, Terms
from tests.faults.scenario import Act, Scenario
from tests.faults.world import PATIENCE, World

STARTING, STOPPED = 2, 5
DENIED = {"kind": "answer", "method": "PATCH", "status": 404, "json": {"detail": "Not found."}}


async def other_client(world: World) -> None:
    """There is a second one, with a number and a folder of its own."""
    root = f"{world.twitter_at}:{world.proxy.number}/"
    document = commands.settings(world.terms, root, world.root("server"))
    document["server"] |= {"client_id": OTHER, "auth_token": OTHER_TOKEN}
    document["output"]["base_dir"] = "other"
    (world.folder / "other.json").write_text(json.dumps(document))
    world.removed.append(world.folder / "other" / JOB)  # where posts are to be found, too
    start_other(world)


def start_other(world: World) -> None:
    """Start the second client."""
    command = twistd("-n", "--pidfile=", "tcc", "--config", "other.json")
    world.running["other"] = start(world, world.folder, [*world.prefix, *command])


async def edit(world: World, **fields: Any) -> None:
    """Change the job, whosever it is, as a researcher does."""
    body = json.dumps({"keywords": KEYWORDS, **fields}).encode()
    await world.ask("PATCH", f"{world.root('server')}api/jobs/1/", body)


async def handed(world: World, to: int) -> None:
    """Give the job to a client; returns when that one has stored a post of later."""
    last = newest(world)
    await edit(world, assigned_worker=to)
    if to == OTHER:
        [folder] = world.removed
        await until(
            lambda: evidence.newest_post(folder) > last, "posts of the other client", PATIENCE
        )
    else:
        await world.recovered()


def newest(world: World) -> int:
    """The id of the newest post that either has."""
    return max(evidence.newest_post(folder) for folder in (world.data, *world.removed))


async def settled(world: World) -> None:
    """Wait until the sum of all counts is what is on the disks."""
    files = [path for folder in (world.data, *world.removed) for path in folder.glob("*.json")]
    posts, _ = evidence.read_posts(files)

    async def count() -> int:
        return int((await world.state("server"))["updates"]["1"]["count"])

    while await count() < len(posts):
        await world.some_time(0.1, 0.2)


def back_and_forth(*, away: bool) -> Act:
    """It goes to the other client and comes back; with `away` the server is killed meanwhile."""

    async def act(world: World, rounds: int) -> None:
        for _ in range(rounds):
            for to in (OTHER, 1):
                await world.some_time(0.5, 1.5)
                await edit(world, assigned_worker=to)
                if away:
                    await world.some_time(0.0, 0.5)
                    await world.kill("server")
                    await world.some_time(0.5, 2.0)
                    await world.start("server")
                await handed(world, to)
        await world.kill("other", signal.SIGTERM)

    return act


def ends(*, down: bool, stopped: bool) -> Act:
    """
    It is archived, with `stopped` after a status of 5, with `down` while its client is killed; then
    it is taken out of the archive and goes on.
    """

    async def act(world: World, rounds: int) -> None:
        for number in range(rounds):
            await world.some_time(0.5, 1.5)
            if down:
                await world.kill("client", (signal.SIGKILL, signal.SIGTERM)[number % 2])
            world.cut()
            if stopped:
                await edit(world, status=STOPPED)
            await edit(world, archived_date="2026-11-30T00:00:00Z")
            if down:
                await world.start("client")
            else:
                await until(lambda: not [*world.data.glob("*.tmp")], "the files finished")
            await settled(world)
            await edit(world, archived_date=None, status=STARTING)
            await world.recovered()

    return act


async def denied(world: World, rounds: int) -> None:
    """Every fourth write is answered with 404: no stream ends, and no other is opened."""
    before = len(await world.attempts())
    for _ in range(rounds):
        for _ in range(20):
            await world.server("fault", **DENIED, times=1)
            await world.some_time(0.7, 0.9)
        await world.reported()
    if len(await world.attempts()) != before:
        raise AssertionError("A capture was let go for a write that was denied.")


TWO = Terms(prepare=other_client)
HANDOVERS = (
    Scenario("back and forth", back_and_forth(away=False), TWO),
    Scenario("back and forth, server away", back_and_forth(away=True), TWO),
)
ENDS = (
    Scenario("archived", ends(down=False, stopped=False)),
    Scenario("archived while down", ends(down=True, stopped=False)),
    Scenario("5 and archived while down", ends(down=True, stopped=True)),
    Scenario("every 4th PATCH 404", denied),
)
