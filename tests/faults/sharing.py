"""Two captures on the one connection of v2: the trouble of one, and posts that name neither."""

import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import attrs
from twisted.internet import reactor

from tcclient.storage.folders import UNROUTED
from tests.e2e.processes import start, until
from tests.faults import evidence
from tests.faults.accounting import Span
from tests.faults.commands import KEYWORDS, Terms
from tests.faults.disks import SIZE, fill
from tests.faults.folders import closed, ordinary
from tests.faults.private import ALONE, beside, needed, seen_by
from tests.faults.scenario import Act, Scenario
from tests.faults.world import World

OTHER = "calm"
SHARED = Terms(api="2", other=OTHER, rate=400.0, stall_timeout=5.0)
UNNAMED = 20
"""Posts that name no rule, in a round."""
HOLD = (
    f"mkdir -p data/{OTHER} && mount -t tmpfs -o size={4 * SIZE} tmpfs data/{OTHER} "
    '&& echo held && exec sleep "$1"'
)


async def own_disk(world: World) -> None:
    """The folder of the other capture is a disk of its own."""
    needed()
    holder = start(world, world.folder, [*ALONE, "sh", "-c", HOLD, "sh", "3600"])
    await holder.says("held\n")
    world.prefix = beside(holder.pid, world.folder)
    world.data = seen_by(holder.pid, world.data)


@contextmanager
def filled(folder: Path) -> Iterator[None]:
    """The disk of the folder is about to be full."""
    filler = fill(folder)
    yield
    filler.unlink()


def trouble_of_one(harm: Callable[[Path], AbstractContextManager[object]]) -> Act:
    """The other capture can store nothing for so long that it misses posts; this one has all."""

    async def act(world: World, rounds: int) -> None:
        other, client = world.data.with_name(OTHER), world.running["client"]
        for number in range(rounds):
            await world.some_time(0.0, 1.0)
            began = reactor.seconds()
            with harm(other):
                await until(
                    lambda number=number: client.out.count("misses posts") > number,
                    "more posts than may wait",
                    60,
                )
                await world.recovered()
            await until(
                lambda number=number: causes(other).count("disk") > number, "the gap in its ledger"
            )
            world.other_cuts.append(Span(began, reactor.seconds()))
        if causes(world.data) != ["start"]:
            raise AssertionError(f"The capture whose disk is well has gaps: {causes(world.data)}.")

    return act


async def other_again(world: World, began: float) -> None:
    """Return once posts of the other capture are on its disk; its cut `began` then."""
    since, other = reactor.seconds(), world.data.with_name(OTHER)
    await until(
        lambda: evidence.sent_at(evidence.newest_post(other)) >= since,
        "posts on the other disk again",
    )
    world.other_cuts.append(Span(began, reactor.seconds()))


async def death_meanwhile(world: World, rounds: int) -> None:
    """The client dies while the others are read for, or the last moment before."""
    other = world.data.with_name(OTHER)
    for number in range(rounds):
        await world.some_time(0.0, 1.0)
        began = reactor.seconds()
        world.cut()  # a death while nothing is read loses what came since
        with filled(other):
            await world.some_time(9.0, 15.0)
            await world.kill("client")
            if number % 2:
                await world.start("client")
                await world.some_time(1.0, 3.0)
        if not number % 2:
            await world.start("client")
        await world.recovered()
        await other_again(world, began)


def causes(folder: Path) -> list[str]:
    """Those of the gaps in the ledger of a capture."""
    lines = evidence.ledger_lines(folder / f"{folder.name}.ledger.jsonl")
    return [line["cause"] for line in lines if line["kind"] == "gap"]


async def unnamed(world: World, rounds: int) -> None:
    """Posts come that name no rule, some with numbers as ids; the client ends, or is killed."""
    for number in range(rounds):
        await world.twitter("fault", kind="unnamed", count=UNNAMED)
        await world.twitter("fault", kind="unnamed", count=UNNAMED, numbers=True)
        await until(
            lambda number=number: len(world.unrouted()) == UNNAMED * (number + 1),
            "all of them in the folder of their own",
        )
        await world.kill("client", signal.SIGKILL if number % 2 else signal.SIGTERM)
        await world.start("client")
        await world.recovered()
    await until(lambda: world.data.with_name(OTHER).exists(), "both captures")


async def unnamed_to_one(world: World, rounds: int) -> None:
    """The only capture gets them all."""
    for _ in range(rounds):
        await world.some_time(0.0, 1.0)
        await world.twitter("fault", kind="unnamed", count=UNNAMED)
        await world.twitter("fault", kind="unnamed", count=UNNAMED, numbers=True)
        await world.recovered()
    if world.data.with_name(UNROUTED).exists():
        raise AssertionError("Posts for the only capture are in no capture's folder.")


async def kept_rules(world: World, rounds: int) -> None:
    """X answers that it has deleted nothing: when keywords change, and after the last stop."""
    said, keywords = 0, KEYWORDS
    for number in range(rounds):
        # What matches the old ones only is not wanted any more, whatever X keeps.
        keywords += f", word{number}"
        for change in ({"keywords": keywords}, {"status": 4}):
            if "status" in change:
                await world.all_arrived()  # what is under way at a stop is not wanted any more
            before = set(await rules(world))
            await world.twitter("fault", kind="plan", undeletable=True)
            await world.write(**change)
            said += 1
            await world.running["client"].says("X keeps rules that were deleted", said)
            if not before <= set(await rules(world)):
                raise AssertionError("X has deleted them after all.")
            await world.twitter("fault", kind="plan", undeletable=False)
            began = reactor.seconds()
            while before & set(await rules(world)):
                if reactor.seconds() - began > 30:
                    raise AssertionError("They are not deleted when X would do it.")
                await world.some_time(0.2, 0.3)
        await world.write(status=2)
        await world.twitter("rate", rate=world.terms.rate)
        await world.recovered()


async def rules(world: World) -> list[str]:
    """The ids of the rules that X lists."""
    known = (await world.state("twitter"))["v2"]["rules"]
    return [rule["id"] for rule in known if rule["ends"] is None]


ONE_DISK = Scenario(
    "one disk of two", trouble_of_one(filled), attrs.evolve(SHARED, prepare=own_disk)
)
DEATH = Scenario("one disk, kill -9", death_meanwhile, attrs.evolve(SHARED, prepare=own_disk))
ONE_FOLDER = Scenario(
    "one folder of two", trouble_of_one(closed), attrs.evolve(SHARED, prepare=ordinary)
)
UNNAMED_POSTS = Scenario("no rule named", unnamed, attrs.evolve(SHARED, rate=100.0))
UNNAMED_TO_ONE = Scenario("no rule, one job", unnamed_to_one, Terms(api="2"))
KEPT_RULES = Scenario("rules kept", kept_rules, Terms(api="2"))
SHARING = (ONE_DISK, DEATH, ONE_FOLDER, UNNAMED_POSTS, UNNAMED_TO_ONE, KEPT_RULES)
