"""Processes that die: the client, the simulated Twitter and the server, each at any moment."""

import os
import signal

from tests.faults.commands import Terms
from tests.faults.scenario import Scenario
from tests.faults.world import World


async def kill_client(world: World, rounds: int) -> None:
    """The client, started again at once."""
    for _ in range(rounds):
        await world.some_time(0.0, 1.0)
        await world.kill("client")
        await world.start("client")
        await world.recovered()


async def kill_behind(world: World, rounds: int) -> None:
    """The client, when it has stood still for a while and has not read yet what came meanwhile."""
    for _ in range(rounds):
        await world.some_time(0.0, 1.0)
        world.cut()
        os.kill(world.running["client"].pid, signal.SIGSTOP)
        await world.some_time(1.0, 2.0)
        os.kill(world.running["client"].pid, signal.SIGCONT)
        await world.some_time(0.0, 0.2)
        await world.kill("client")
        await world.start("client")
        await world.recovered()


async def end_client(world: World, rounds: int) -> None:
    """The client is told to end under load."""
    for _ in range(rounds):
        await world.some_time(0.0, 1.0)
        await world.kill("client", signal.SIGTERM)
        await world.start("client")
        await world.recovered()


async def kill_twitter(world: World, rounds: int) -> None:
    """Twitter, which comes back at the same address."""
    for _ in range(rounds):
        await world.some_time(0.0, 1.0)
        await world.kill("twitter")
        await world.some_time(0.0, 1.0)
        await world.start("twitter")
        await world.recovered()


async def kill_server(world: World, rounds: int) -> None:
    """The server, between and within requests."""
    for _ in range(rounds):
        await world.some_time(0.0, 1.0)
        await world.kill("server")
        await world.some_time(0.0, 1.0)
        await world.start("server")
        await world.reported()


LOAD = Terms(rate=600.0)
MUCH = Terms(rate=2_000.0)
KILLS = (
    Scenario("kill -9 client", kill_client, LOAD),
    Scenario("kill -9 Twitter", kill_twitter, LOAD),
    Scenario("kill -9 server", kill_server, LOAD),
    Scenario("SIGTERM", end_client, LOAD),
)
FAST = (
    Scenario("kill -9, 2,000/s", kill_client, MUCH),
    Scenario("SIGTERM, 2,000/s", end_client, MUCH),
    Scenario("kill -9, behind", kill_behind, MUCH),
)
