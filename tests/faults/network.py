"""Connections that come to grief: cut, silent, slow, or with bytes that mean nothing."""

import math
import zlib
from collections.abc import Callable
from itertools import accumulate, count, takewhile
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.threads import deferToThread

from tcclient.runtime.backoff import NETWORK_RAMP
from tcclient.stream.connection import Timing
from tests.faults import evidence
from tests.faults.commands import Terms
from tests.faults.link import Link
from tests.faults.pace import AT_ONCE, BROKEN_LINES, BYTES, Pace, each_byte
from tests.faults.scenario import Act, Scenario
from tests.faults.world import PATIENCE, World

BOMB = 256 << 20
"""Bytes that the gzip bomb becomes; as it comes it has a thousandth of that."""
ROOM = 32 << 10
"""Kilobytes by which the client may grow over it."""
SLOW = Pace(each_byte, pause=0.002, most=400)
"""The header comes a byte at a time, and a bit of the body."""
ENDLESS = Pace(each_byte, pause=1.0, most=math.inf)
SMALL = Terms(rate=3.0, options=("--no-gzip",), is_slow=True)
"""A world for bytes that come one at a time."""


def on_the_road(harm: Callable[[Link], object], *, silent: bool = False) -> Act:
    """Harm that comes from the road; a `silent` one Twitter does not see."""

    async def act(world: World, rounds: int) -> None:
        for _ in range(rounds):
            await world.some_time(0.0, 1.0)
            if silent:
                world.cut()
            world.proxy.each(harm)
            await world.recovered()

    return act


def by_twitter(kind: str, *, silent: bool = False) -> Act:
    """Harm that comes from Twitter; a `silent` connection is none."""

    async def act(world: World, rounds: int) -> None:
        for _ in range(rounds):
            await world.some_time(0.0, 1.0)
            if silent:
                world.cut()
            await world.twitter("fault", kind=kind)
            await world.recovered()

    return act


async def once_more(world: World, rounds: int) -> None:
    """The last posts come again over the next connection, and to the next process."""
    for number in range(rounds):
        await world.some_time(0.5, 1.0)
        await world.twitter("fault", kind="repeat", count=100, when="connect")
        if number % 2:
            await world.kill("client")
            await world.start("client")
        else:
            world.proxy.each(Link.reset)
        await world.recovered()
    if evidence.sent_again(world.folder / "journal") < 10 * rounds:
        raise AssertionError("Hardly any post was sent again.")


async def run_together(world: World, rounds: int) -> None:
    """Two posts in a line: each is stored."""
    for _ in range(rounds):
        await world.some_time(0.0, 0.5)
        await world.twitter("fault", kind="run-together")
        await world.recovered()


async def keep_alives(world: World, rounds: int) -> None:
    """Nothing but keep-alives for longer than a stall lasts: the connection stays."""
    for _ in range(rounds):
        before = await world.attempts()
        await world.twitter("rate", rate=0)
        await world.some_time(1.5 * world.terms.stall_timeout, 2 * world.terms.stall_timeout)
        await world.twitter("rate", rate=world.terms.rate)
        await world.recovered()
        if await world.attempts() != before:
            raise AssertionError("A connection that was kept alive was given up.")


async def gzip_bomb(world: World, rounds: int) -> None:
    """A short body that becomes a very long one: the client does not grow with it."""
    bomb = await deferToThread(make_bomb)  # the roads must not wait for it
    for _ in range(rounds):
        await world.some_time(0.0, 1.0)
        before = memory(world, "VmRSS")
        await world.twitter("replay", bomb)
        world.proxy.each(Link.reset)
        await world.recovered()
        grown = memory(world, "VmHWM") - before
        if grown > ROOM:
            raise AssertionError(f"The client grew by {grown} kB over a gzip bomb.")


def make_bomb() -> bytes:
    """The whole answer."""
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    body = b"".join(packer.compress(bytes(1 << 20)) for _ in range(BOMB >> 20)) + packer.flush()
    return b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n" + body


def memory(world: World, which: str) -> int:
    """The client's, in kilobytes: VmRSS is what it has, VmHWM the most that it had."""
    text = Path(f"/proc/{world.running['client'].pid}/status").read_text()
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith(which))


async def segments(world: World, rounds: int) -> None:
    """All that Twitter says in segments of a byte, then in ones that end between CR and LF."""
    for _ in range(rounds):
        for pace in (BYTES, BROKEN_LINES):
            await world.some_time(0.5, 1.0)
            await world.all_arrived()  # a slow road can hold more than a moment's posts
            world.proxy.pace = pace
            world.proxy.each(Link.reset)
            await world.twitter("rate", rate=world.terms.rate)
            await world.recovered()
    world.proxy.pace = AT_ONCE


async def chunks(world: World, rounds: int) -> None:
    """HTTP's chunks end after each byte, within characters, between CR and LF."""
    for _ in range(rounds):
        for place in ("byte", "utf8", "crlf"):
            await world.twitter("fault", kind="split", at=place)
            await world.recovered()
            await world.some_time(0.5, 1.0)
    await world.twitter("fault", kind="clear")


async def slow_header(world: World, rounds: int) -> None:
    """The answer's header comes a byte at a time."""
    for _ in range(rounds):
        await world.some_time(0.0, 1.0)
        world.proxy.pace = SLOW
        world.cut()
        world.proxy.each(Link.reset)
        await world.recovered()
    world.proxy.pace = AT_ONCE


def endless(name: str, value: object, otherwise: object) -> Act:
    """An answer that does not come to an end, by this member of the road: it is given up."""

    async def act(world: World, rounds: int) -> None:
        for _ in range(rounds):
            await world.some_time(0.0, 1.0)
            world.cut()
            setattr(world.proxy, name, value)
            world.proxy.each(Link.reset)
            await world.some_time(5.0, 6.0)  # in which there is another attempt
            setattr(world.proxy, name, otherwise)
            await world.recovered(Timing().answer + PATIENCE)

    return act


async def ok_then_close(world: World, rounds: int) -> None:
    """For a while 200 and nothing: attempts come no faster than the ramp lets them."""
    for _ in range(rounds):
        await world.some_time(0.0, 1.0)
        began = reactor.seconds()
        await world.twitter("fault", kind="close", when="connect", times=10_000)
        world.proxy.each(Link.reset)
        await world.some_time(4.0, 6.0)
        made = len(await world.attempts(began))
        most = most_attempts(reactor.seconds() - began)
        await world.twitter("fault", kind="clear")
        await world.recovered()
        if made > most:
            raise AssertionError(f"{made} attempts, where the ramp allows {most}.")


def most_attempts(lasting: float) -> int:
    """How many there can be within so many seconds: one at once, then as the ramp has it."""
    waits = (NETWORK_RAMP.wait(attempt) for attempt in count(1))
    return 1 + sum(1 for _ in takewhile(lambda at: at <= lasting, accumulate(waits)))


ROAD = (
    Scenario("RST", on_the_road(Link.reset)),
    Scenario("FIN", on_the_road(Link.close)),
    Scenario("half-open", on_the_road(Link.half_open, silent=True)),
    Scenario("black hole", on_the_road(Link.hold, silent=True)),
)
ANSWERS = (
    Scenario("no answer", endless("mute", True, False)),
    Scenario("endless header", endless("pace", ENDLESS, AT_ONCE)),
)
"""They take the time that the client gives to an answer."""
BODIES = (
    Scenario("RST in a post", by_twitter("rst")),
    Scenario("FIN in a post", by_twitter("fin")),
    Scenario("gzip cut", by_twitter("gzip-cut")),
    Scenario("bad chunk size", by_twitter("bad-chunk")),
    Scenario("gzip bomb", gzip_bomb),
)
REPEATS = (
    Scenario("sent again", once_more),
    Scenario("sent again, v2", once_more, Terms(api="2")),
    Scenario("run together", run_together),
    Scenario("run together, v2", run_together, Terms(api="2")),
)
SILENCES = (
    Scenario("stall", by_twitter("stall", silent=True)),
    Scenario("only keep-alives", keep_alives),
    Scenario("200, then close", ok_then_close),
)
FRAMES = (
    Scenario("1-byte segments", segments, SMALL),
    Scenario("split chunks", chunks, SMALL),
    Scenario("header drip", slow_header, SMALL),
)
