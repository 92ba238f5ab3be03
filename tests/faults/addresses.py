"""The server is reached by another address, and the keywords change, while the client is away."""

import json
import signal
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.task import deferLater

from tests.e2e.processes import until
from tests.faults import evidence
from tests.faults.commands import JOB, RULE_DELAY, Terms
from tests.faults.scenario import Scenario
from tests.faults.world import PATIENCE, World

HOSTS = ("localhost", "127.0.0.1")
WORDS = (("coffee", "rain"), ("storm", "green tea"))
PASSED = RULE_DELAY + 3.0
"""Seconds after which no post for old keywords comes, once the new ones are in force."""


async def move(world: World, rounds: int) -> None:
    """By turns killed and ended; each time the keywords have nothing in common with the last."""
    for number in range(rounds):
        await world.some_time(0.0, 1.0)
        await world.kill("client", (signal.SIGKILL, signal.SIGTERM)[number % 2])
        _go_by(world, HOSTS[number % 2])
        if number % 3 == 0:
            await world.write(keywords=", ".join(WORDS[number % 2]))
        await world.start("client")
        await world.some_time(0.0, 1.0)
        await world.write(keywords=", ".join(WORDS[number % 2]))
        await _in_force(world, ", ".join(WORDS[number % 2]))
        await deferLater(reactor, PASSED)
        await world.recovered()
        await _only_new_ones(world, WORDS[number % 2])


def _go_by(world: World, host: str) -> None:
    """Have the client find the server by another address."""
    path = world.folder / "settings.json"
    document = json.loads(path.read_text())
    port = world.ports["server"]
    document["server"]["base_url"] = f"http://{host}:{port}/api/"
    path.write_text(json.dumps(document))


async def _in_force(world: World, keywords: str) -> None:
    """Return once the ledger says so of these keywords, which differ from those before."""

    def said() -> bool:
        world.running["client"].check()
        lines = evidence.ledger_lines(world.data / f"{JOB}.ledger.jsonl")
        newest = [line["text"] for line in lines if line["kind"] == "keywords_in_force"][-1:]
        return newest == [keywords]

    await until(said, f"{keywords!r} in force", PATIENCE)


async def _only_new_ones(world: World, terms: tuple[str, ...]) -> None:
    """From now on no stored post matches old keywords only, and X has no rule for them."""
    since = reactor.seconds()
    await deferLater(reactor, 1.0)
    found = [text for at, text in _stored(world.data) if at > since]
    wrong = [text for text in found if not any(_has(text, term) for term in terms)]
    if not found or wrong:
        raise AssertionError(f"{len(wrong)} of {len(found)} posts match old keywords: {wrong[:1]}")
    rules = (await world.state("twitter"))["v2"]["rules"]
    old = [rule for rule in rules if not any(term.split()[0] in rule["value"] for term in terms)]
    if old:
        raise AssertionError(f"X has rules for old keywords: {old}")


def _has(text: str, term: str) -> bool:
    return all(word in text.lower() for word in term.split())


def _stored(folder: Path) -> list[tuple[float, str]]:
    """When each post of the newest files was made, and what it says."""
    found = []
    for path in evidence.data_files(folder):
        for line in path.read_bytes().splitlines(keepends=True):
            if line.endswith(b"}\n"):
                post = json.loads(line)
                found.append((evidence.sent_at(int(post["data"]["id"])), json.dumps(post["data"])))
    return found


ADDRESSES = (Scenario("server's addresses, v2", move, Terms(api="2", stall_timeout=5.0)),)
