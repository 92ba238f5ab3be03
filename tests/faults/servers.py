"""The capture server is away, or answers as the worst of them do: the capture goes on."""

from typing import Any

from twisted.internet import reactor
from twisted.internet.task import deferLater

from tests.faults.scenario import Act, Scenario
from tests.faults.world import World

QUIRKS: tuple[dict[str, Any], ...] = (
    {"framing": "chunked"},
    {"framing": "close"},
    {"framing": "http10"},
    {"without_activejobs_detail": 404},
    {"without_activejobs_detail": 405},
    {"without_activejobs_detail": None},
    {"keywords_member": "keywords"},
    {"keywords_member": "twitter_keywords"},
    {"database": "sqlite"},
    {"database": "mysql"},
)
UPDATES = {"method": "POST", "path": "/api/update/"}
ANSWERS: tuple[dict[str, Any], ...] = (
    {"kind": "answer"},
    {"kind": "answer", "processed": True},
    {"kind": "answer", "status": 200, "body": "<html>Welcome</html>"},
    {"kind": "answer", "status": 200, "json": {"count": 1, "results": None}},
    {"kind": "answer", "status": 200, "json": []},
    {"kind": "answer", "status": 403, "json": {"detail": "Invalid token."}},
    {"kind": "answer", "status": 503, "body": ""},
    {"kind": "answer", **UPDATES, "status": 500, "processed": True},
    {"kind": "answer", **UPDATES, "status": 201, "body": "cut"},
    {"kind": "close"},
    {"kind": "close", "processed": True},
    {"kind": "close", **UPDATES, "processed": True},
    {"kind": "redirect", "location": "http://127.0.0.1:1/api/"},
    {"kind": "redirect", **UPDATES, "location": "/api/jobs/", "status": 301},
    {"kind": "drip", "size": 7, "seconds": 0.01},
    {"kind": "cut"},
    {"kind": "cut", "after": 0},
    {"kind": "missing", "members": ["total_count"]},
    {"kind": "missing", "members": ["name", "keywords"]},
    {"kind": "missing", "members": ["results"]},
    {"kind": "big", "size": 3_000_000},
    {"kind": "delay", "seconds": 1.0},
    {"kind": "delay", **UPDATES, "seconds": 0.7},
)
"""Faults of the stand-in, each for some requests; `processed` ones were done before they failed."""


def away(least: float, most: float) -> Act:
    """It is, for so many seconds."""

    async def act(world: World, rounds: int) -> None:
        for _ in range(rounds):
            await world.kill("server")
            await world.some_time(least, most)
            await world.start("server")
            await world.reported()

    return act


async def every_quirk(world: World, rounds: int) -> None:
    """Each quirk and each fault in random order; then a server that works."""
    for _ in range(rounds):
        for what in world.random.sample(QUIRKS + ANSWERS, len(QUIRKS) + len(ANSWERS)):
            if "kind" in what:
                await world.server("fault", **what, times=world.random.randint(1, 3))
            else:
                await world.server("quirk", **what)
            await world.some_time(0.0, 0.3)
        while (await world.state("server"))["faults"]:
            await deferLater(reactor, 0.1)
        await world.reported()


SERVERS = (
    Scenario("server away", away(2.0, 3.0)),
    Scenario("server's quirks", every_quirk),
)
AWAY_LONG = Scenario("away for minutes", away(150.0, 180.0))
