"""
`python -m benchmarks.livefanout`: what a fleet's states cost, and how late pages have them.

Two `tcserver up` on PostgreSQL and Redis; clients with the real end of the channel, half at each,
one capture each, numbers every second; pages on the list, half at each.  By turns the same states
go by REST (`PUT state/`, connections that are kept), with the pages open.  CPU is that of both
servers, and in its own column that of PostgreSQL, less what they take while nobody tells anything.

Then both servers are restarted under so many clients (`--reconnects`), while REST is asked as well.
Exits with status 1 where something was not acknowledged, or a client did not come back.
"""

import argparse
import asyncio
import os
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import attrs
import msgspec

from benchmarks.arguments import parser, positive, whole, whole_from_0
from benchmarks.fanreport import Fanout, Reconnects, Spent, fan_report, reconnect_report
from benchmarks.fleetload import Connection, Member
from benchmarks.fleetsite import populate
from benchmarks.livefleet import LiveMember, LivePage, all_up, each_second
from benchmarks.livesite import (
    POSTGRES,
    REDIS,
    LiveServer,
    belong,
    database,
    serving,
    session_of_an_administrator,
)
from benchmarks.machine import write
from benchmarks.measuring import memory
from benchmarks.scene import workshop
from tcclient.push.retrying import LASTING

CONNECTING = 60.0
REST_CLIENTS, REST_EVERY = 20, 1.0
SETTLING = 5.0
"""Seconds for what is under way."""


async def fan_out(
    servers: Sequence[LiveServer],
    members: Sequence[LiveMember],
    pages: Sequence[LivePage],
    options: argparse.Namespace,
) -> Fanout:
    """Measure by turns: nothing, push, REST; until the time is over."""
    found = Fanout()
    watching = [asyncio.ensure_future(page.run()) for page in pages]
    await asyncio.sleep(SETTLING)
    rest = [Connection(servers[n % 2].port, one.member.token) for n, one in enumerate(members)]
    deadline = time.monotonic() + options.minutes * 60
    while time.monotonic() < deadline:
        idle = await _idle(servers, options.seconds / 3)
        found.idle.append(idle)
        before, began = Spent.now(servers), time.monotonic()
        gone = await each_second(members, began + options.seconds)
        await asyncio.sleep(1.0)
        took = time.monotonic() - began
        found.push.append(Spent.now(servers).since(before, idle, took, gone))
        found.states += gone
        found.not_carried += sum(one.not_carried for one in members)
        for page in pages:
            found.late += page.late
        before, began = Spent.now(servers), time.monotonic()
        told = await _by_rest(members, rest, began + options.seconds)
        await asyncio.sleep(1.0)
        took = time.monotonic() - began
        found.rest.append(Spent.now(servers).since(before, idle, took, told))
        await asyncio.gather(*(one.append() for one in members), return_exceptions=True)
        for page in pages:
            page.late.clear()
        found.rss.append(sum(_resident(one.pid) for one in servers))
    await asyncio.sleep(SETTLING)
    found.unacknowledged = sum(one.length - one.held for one in members)
    for task in watching:
        if task.done():
            task.result()
        task.cancel()
    await asyncio.gather(*watching, return_exceptions=True)
    for connection in rest:
        connection.hang_up()
    return found


async def _idle(servers: Sequence[LiveServer], seconds: float) -> Spent:
    """Return the shares of a core that are taken while nobody tells anything."""
    before, began = Spent.now(servers), time.monotonic()
    await asyncio.sleep(seconds)
    now, took = Spent.now(servers), time.monotonic() - began
    return Spent(
        (now.servers - before.servers) / took, max(0.0, now.database - before.database) / took
    )


async def _by_rest(
    members: Sequence[LiveMember], connections: Sequence[Connection], until: float
) -> int:
    """Have each member tell a state every second by REST; return how many were accepted."""
    begin = time.monotonic()

    async def tell(number: int) -> int:
        accepted, due = 0, begin + number / len(members)
        while due < until:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            body = msgspec.json.encode([members[number].next_state()])
            status, answer = await connections[number].ask("PUT", "state/", body)
            if status not in (200, 503):
                raise RuntimeError(f"PUT state/: {status} {answer!r}")
            accepted += status == 200  # a busy server gets the next state in a second
            due += 1.0
        return accepted

    return sum(await asyncio.gather(*(tell(number) for number in range(len(members)))))


async def reconnect(servers: Sequence[LiveServer], members: Sequence[LiveMember]) -> Reconnects:
    """Restart the servers, one after the other, and have all members come back."""
    found = Reconnects(len(members))
    for one in members:
        one.ups.clear()
        one.is_up = False
    asking = [
        asyncio.ensure_future(_ask_on(members[n], servers[n % 2].port, found))
        for n in range(REST_CLIENTS)
    ]
    began = time.monotonic()
    for server in servers:
        await asyncio.to_thread(server.stop)
        await asyncio.to_thread(server.start)
    await all_up(members, CONNECTING)
    found.seconds = time.monotonic() - began
    seconds = Counter(int(at - began) for one in members for at in one.ups)
    found.most = max(seconds.values())
    for task in asking:
        task.cancel()
    await asyncio.gather(*asking, return_exceptions=True)
    return found


async def _ask_on(member: LiveMember, port: int, found: Reconnects) -> None:
    """Poll each second; an answer counts from when the server listens again."""
    connection = Connection(port, member.member.token)
    while True:
        began = time.monotonic()
        try:
            status, answer = await connection.ask("GET", "activejobs/?limit=1000&offset=0")
        except (ConnectionError, EOFError):  # while it is not there
            await asyncio.sleep(0.1)
            continue
        except TimeoutError:
            found.errors.append("no answer in time")
            continue
        found.rest.append(time.monotonic() - began)
        if status != 200:
            found.errors.append(f"{status} {answer[:100]!r}")
        await asyncio.sleep(random.random() * 2 * REST_EVERY)


async def measure(options: argparse.Namespace, servers: list[LiveServer]) -> dict[str, Any]:
    """Return what there is to report."""
    clients = populate(max(options.clients, options.reconnects))
    session = session_of_an_administrator()
    document: dict[str, Any] = {}
    members = _begun(clients[: options.clients], servers)
    try:
        await all_up(members, CONNECTING)
        by_capture = {one.member.capture: one for one in members}
        pages = [LivePage(servers[n % 2].port, session, by_capture) for n in range(options.pages)]
        fan = await fan_out(servers, members, pages, options)
        print("\n".join(fan_report(fan)), flush=True)
        document["fan out"] = attrs.asdict(fan)
        if options.reconnects:
            members += _begun(clients[len(members) : options.reconnects], servers)
            await all_up(members, CONNECTING)
            await asyncio.sleep(LASTING + 1.0)
            back = await reconnect(servers, members)
            print("\n".join(reconnect_report(back)), flush=True)
            document["reconnects"] = attrs.asdict(back)
    finally:
        for one in members:
            one.channel.stopService()
        await asyncio.sleep(3.0)
    return document


def _begun(clients: Sequence[Member], servers: Sequence[LiveServer]) -> list[LiveMember]:
    found = [LiveMember(n, one, servers[n % 2].port) for n, one in enumerate(clients)]
    for one in found:
        one.begin()
    return found


def _resident(pid: int) -> float:
    found = memory(pid)
    if found is None:
        raise SystemExit("A server has ended.")
    return found.now


def read_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options."""
    told = parser(__doc__, "livefanout.json")
    add = told.add_argument
    add("--database", default=POSTGRES, help="whose user may make databases")
    add("--redis", default=REDIS)
    add("--clients", type=whole, default=250)
    add("--pages", type=whole, default=20)
    add("--seconds", type=positive, default=30.0, help="of a turn")
    add("--minutes", type=positive, default=4.0, help="of all turns")
    add("--reconnects", type=whole_from_0, default=1000, help="clients; 0 for none")
    return told.parse_args(arguments)


def main() -> None:
    """Measure, print, write."""
    from twisted.internet import asyncioreactor

    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # nothing else is done while it is asked
    loop = asyncio.new_event_loop()
    asyncioreactor.install(loop)
    from twisted.internet import reactor

    options = read_arguments()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with ExitStack() as stack:
        folder = stack.enter_context(workshop("live", options.folder))
        url = stack.enter_context(database(options.database))
        belong(folder, url, options.redis)
        servers = stack.enter_context(serving(2))
        measured = loop.create_task(measure(options, servers))
        measured.add_done_callback(lambda _: reactor.stop())  # type: ignore[attr-defined]
        reactor.run(installSignalHandlers=False)  # type: ignore[attr-defined]
        found = measured.result()
    write(options.json, options=vars(options), **found)
    sys.exit(bool(found["fan out"]["unacknowledged"]))


if __name__ == "__main__":
    main()
