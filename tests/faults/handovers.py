"""A job that goes from one client to another and back, or ends, also while its client is down."""

import json
import signal
from typing import Any

from twisted.internet import reactor

from tests.e2e.processes import start, twistd, until
from tests.faults import commands, evidence
from tests.faults.accounting import Span
from tests.faults.commands import JOB, KEYWORDS, OTHER, OTHER_TOKEN, Terms
from tests.faults.scenario import Act, Scenario
from tests.faults.world import PATIENCE, World

STARTING, STOPPED = 2, 5
DENIED = {"kind": "answer", "method": "PATCH", "status": 404, "json": {"detail": "Not found."}}


async def other_client(world: World) -> None:
    """There is room for a second one, with a number and a folder of its own."""
    root = f"{world.twitter_at}:{world.proxy.number}/"
    document = commands.settings(world.terms, root, world.root("server"))
    document["server"] |= {"client_id": OTHER, "auth_token": OTHER_TOKEN}
    document["output"]["base_dir"] = "other"
    (world.folder / "other.json").write_text(json.dumps(document))
    world.removed.append(world.folder / "other" / JOB)  # where posts are to be found, too


async def edit(world: World, **fields: Any) -> None:
    """Change the job, whosever it is, as a researcher does."""
    body = json.dumps({"keywords": KEYWORDS, **fields}).encode()
    await world.ask("PATCH", f"{world.root('server')}api/jobs/1/", body)


async def captured_by(world: World, client: int) -> None:
    """Return when that one has stored a post of now or later."""
    if client == 1:
        await world.recovered()
        return
    [folder] = world.removed
    since = reactor.seconds()

    def captured() -> bool:
        return evidence.sent_at(evidence.newest_post(folder)) >= since

    await until(captured, "posts of the other client", PATIENCE)


async def settled(world: World) -> None:
    """Return when all files are finished, and the sum of all counts is what is in them."""
    await until(lambda: not [*world.data.glob("*.tmp")], "the files finished", PATIENCE)
    posts, _ = evidence.read_posts(world.data.glob("*.json"))
    deadline = reactor.seconds() + PATIENCE
    while (await world.state("server"))["updates"]["1"]["count"] < len(posts):
        if reactor.seconds() > deadline:
            raise AssertionError("What was captured is not reported.")
        await world.some_time(0.1, 0.2)


def back_and_forth(*, away: bool) -> Act:
    """It goes to the other client and comes back; with `away` the server is killed meanwhile."""

    async def act(world: World, rounds: int) -> None:
        command = twistd("-n", "--pidfile=", "tcc", "--config", "other.json")
        world.running["other"] = start(world, world.folder, [*world.prefix, *command])
        for _ in range(rounds):
            for to in (OTHER, 1):
                await world.some_time(0.5, 1.5)
                since = reactor.seconds()
                await edit(world, assigned_worker=to)
                if away:
                    await world.some_time(0.0, 0.5)
                    await world.kill("server")
                    await world.some_time(0.5, 2.0)
                    await world.start("server")
                await captured_by(world, to)
                world.unwanted.append(Span(since, reactor.seconds()))
        await world.kill("other", signal.SIGTERM)

    return act


async def killed(world: World, rounds: int) -> None:
    """Its client is killed, the other one gets it; the first comes back, and gets it again."""
    command = twistd("-n", "--pidfile=", "tcc", "--config", "other.json")
    world.running["other"] = start(world, world.folder, [*world.prefix, *command])
    for _ in range(rounds):
        await world.some_time(0.5, 1.5)
        since = reactor.seconds()
        await world.kill("client")
        await edit(world, assigned_worker=OTHER)
        await captured_by(world, OTHER)
        await world.some_time(0.0, 1.0)
        await world.start("client")
        await world.some_time(0.5, 2.0)
        await edit(world, assigned_worker=1)
        await captured_by(world, 1)
        world.unwanted.append(Span(since, reactor.seconds()))
    await world.kill("other", signal.SIGTERM)
    totals = (await world.state("server"))["updates"]["1"]["totals"]
    if totals != sorted(totals):
        raise AssertionError(f"A total of the history is lower than one before it: {totals}")


def ends(*, down: bool, stopped: bool) -> Act:
    """
    It is archived, with `stopped` after a status of 5, with `down` while its client is: that was
    killed, or was told to end while the server was away.  Then it is taken out of the archive.
    """

    async def act(world: World, rounds: int) -> None:
        for number in range(rounds):
            await world.some_time(0.5, 1.5)
            since = reactor.seconds()
            if down and number % 2:
                await world.kill("server")
                await world.kill("client", signal.SIGTERM)
                await world.start("server")
            elif down:
                await world.kill("client")
            if stopped:
                await edit(world, status=STOPPED)
            await edit(world, archived_date="2026-11-30T00:00:00Z")
            if down:
                await world.start("client")
            await settled(world)
            await edit(world, archived_date=None, status=STARTING)
            await world.recovered()
            world.unwanted.append(Span(since, reactor.seconds()))

    return act


async def denied(world: World, rounds: int) -> None:
    """Every fourth report is answered with 404: no stream ends, and no other is opened."""
    before = len(await world.attempts())
    for _ in range(rounds):
        for _ in range(8):
            await world.server("fault", **DENIED, times=1)
            await world.some_time(0.7, 0.9)
        await world.reported()
    if len(await world.attempts()) != before:
        raise AssertionError("A capture was let go for a write that was denied.")


TWO = Terms(prepare=other_client)
HANDOVERS = (
    Scenario("back and forth", back_and_forth(away=False), TWO),
    Scenario("back and forth, server away", back_and_forth(away=True), TWO),
    Scenario("back and forth, killed", killed, TWO),
)
ENDS = (
    Scenario("archived", ends(down=False, stopped=False)),
    Scenario("archived while down", ends(down=True, stopped=False)),
    Scenario("5 and archived while down", ends(down=True, stopped=True)),
    Scenario("every 4th PATCH 404", denied),
)
