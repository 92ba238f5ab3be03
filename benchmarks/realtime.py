"""
`python -m benchmarks.realtime`: how soon a person's wish is done, and what is done is shown.

Two `tcserver up` on PostgreSQL and Redis, real clients, the simulated Twitter, and two pages in
Chromium: one at the first server, on which buttons are clicked, and the list at the other one.
First with sockets, then with neither end having any: polls every 10 s, pages every 5 s.  All
moments are of this machine's clock: clicks and what is shown by the pages themselves, streams and
rules by the simulator's journal, and events by the client's ledger.

In the end two clients capture side by side for a while, of which one has no channel.
"""

import argparse
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import attrs

from benchmarks.arguments import parser, positive, whole, whole_from_0
from benchmarks.ends import Client, Hands, Twitter, client
from benchmarks.lag import percentile
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
from benchmarks.measuring import cpu, memory
from benchmarks.scene import workshop
from tests.browser.chromium import CHROMIUM, OPTIONS
from tests.long.processes import ask, ending

SPREAD = 20
"""Captures of the client whose keywords are changed."""
SETTLING = 8.0
"""Seconds until the channel of a client is up, and what was begun with it is over."""


@attrs.define
class Waits:
    """Seconds, by what was waited for; `unfinished` counts stops that were shown too early."""

    stop: list[float] = attrs.Factory(list)
    event: list[float] = attrs.Factory(list)
    start: list[float] = attrs.Factory(list)
    keywords: list[float] = attrs.Factory(list)
    unfinished: int = 0


ROWS = {
    "stop": ("click on Stop to STOPPED shown, last file finished", "median ≤ 150, worst ≤ 300"),
    "keywords": ("new keywords clicked to accepted by the rules endpoint", "median ≤ 250"),
    "start": ("start clicked to stream open", "median ≤ 500"),
    "event": ("event in the client's ledger to shown by the other server", "p99 ≤ 500"),
}


def wishes(
    hands: Hands, one: Client, many: Client, twitters: Sequence[Twitter], n: int, keyed: int
) -> Waits:
    """Have so many stops and starts of the one capture, and changes of the many ones."""
    waits, [capture] = Waits(), one.captures
    for _ in range(n):
        clicked, shown = hands.clicks(capture, "stop", "stopped")
        waits.stop.append(shown - clicked)
        waits.event.append(shown - one.last_event())
        waits.unfinished += bool(one.unfinished())
        clicked, _shown = hands.clicks(capture, "start", "running")
        waits.start.append(twitters[0].has(clicked, '"opened"') - clicked)
    for turn in range(keyed):
        word = f"word{time.time_ns()}"
        clicked = hands.saves(many.captures[turn % len(many.captures)], word)
        waits.keywords.append(twitters[1].has(clicked, '"add"', word) - clicked)
    return waits


def table(push: Waits, polling: Waits) -> Iterator[str]:
    """Yield the lines."""
    yield "| ms | goal | n | median | p99 | worst | by polls: n | median | worst |"
    yield "| --- " * 9 + "|"
    for name, (words, goal) in ROWS.items():
        here, there = getattr(push, name), getattr(polling, name)
        cells = [percentile(here, share) * 1e3 for share in (0.5, 0.99, 1.0)]
        others = [percentile(there, share) * 1e3 for share in (0.5, 1.0)] if there else []
        yield (
            f"| {words} | {goal} | {len(here)} | {' | '.join(f'{one:.0f}' for one in cells)} | "
            f"{len(there)} | {' | '.join(f'{one:,.0f}' for one in others)} |"
        )
    yield f"Stops that were shown before the last file was finished: {push.unfinished}."


def side_by_side(clients: Sequence[Client], seconds: float) -> list[dict[str, float]]:
    """Return the share of a core and the resident MiB of clients that capture for a while."""
    before = [cpu(one.process.pid) for one in clients]
    time.sleep(seconds)
    found = []
    for one, then in zip(clients, before, strict=True):
        resident = memory(one.process.pid)
        assert resident is not None
        share = (cpu(one.process.pid) - then) / seconds
        found.append({"core": share, "rss": resident.now})
    return found


def made(name: str, captures: int) -> tuple[int, str, list[int]]:
    """Make a client with so many captures that are to run; returns number, token, captures."""
    from django.utils import timezone

    from tcserver.captures.services.create import NewCapture, create
    from tcserver.captures.status import Wanted
    from tcserver.fleet.services.clients import create_client
    from tcserver.fleet.services.tokens import issue
    from tcserver.history.acts import by_server
    from tcserver.people.models import Project

    act, project = by_server(timezone.now()), Project.objects.order_by("pk")[0].pk
    number = create_client(name, [project], act).pk
    names = [name, *(f"{name} {n}" for n in range(1, captures))]
    new = [NewCapture(project, one, "storm", client=number, wanted=Wanted.RUN) for one in names]
    return number, issue(number, act), [create(one, act).pk for one in new]


def one_way(
    name: str, base: Path, servers: list[LiveServer], browser: Any, n: int, keyed: int
) -> Waits:
    """Measure with sockets at both ends ("push") or at none, with clients of their own."""
    with ExitStack() as stack:
        folder = base / name
        folder.mkdir()
        clients, twitters = [], []
        for api, captures in (("1.1", 1), ("2", SPREAD)):
            (folder / api).mkdir()
            twitters.append(Twitter(folder / api, stack))
            if api == "2":
                plan = dict.fromkeys(("rule_changes", "rule_reads", "stream_connects"), 100_000)
                ask("POST", f"{twitters[1].root}sandbox/fault", {"kind": "plan", **plan})
            clients.append(
                client(
                    folder / api / "client",
                    servers[0],
                    twitters[-1].root,
                    made(f"{name} {api}", captures),
                    api,
                    push=name == "push",
                )
            )
            stack.enter_context(ending([clients[-1].process]))
            twitters[-1].has(0.0, '"opened"')
        time.sleep(SETTLING)
        hands = Hands(browser, servers, session_of_an_administrator(), push=name == "push")
        stack.callback(hands.close)
        return wishes(hands, *clients, twitters, n, keyed)


def costs(base: Path, servers: list[LiveServer], minutes: float) -> list[dict[str, float]]:
    """Return what a client with a channel takes, and one without."""
    with ExitStack() as stack:
        clients = []
        for push in (True, False):
            folder = base / f"cost {push}"
            folder.mkdir()
            twitter = Twitter(folder, stack)
            who = made(f"cost {push}", 1)
            clients.append(
                client(folder / "client", servers[0], twitter.root, who, "1.1", push=push)
            )
            stack.enter_context(ending([clients[-1].process]))
            twitter.has(0.0, '"opened"')
        time.sleep(SETTLING)
        return side_by_side(clients, minutes * 60)


def read_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options."""
    told = parser(__doc__, "realtime.json")
    add = told.add_argument
    add("--database", default=POSTGRES, help="whose user may make databases")
    add("--redis", default=REDIS)
    add("--n", type=whole, default=200, help="stops and starts")
    add("--keywords", type=whole, default=100, help="changes of keywords")
    add("--polls", type=whole_from_0, default=10, help="of each without sockets; 0 for none")
    add("--cost", type=positive, default=3.0, help="minutes side by side")
    return told.parse_args(arguments)


def main() -> None:
    """Measure, print, write."""
    from playwright.sync_api import sync_playwright

    options = read_arguments()
    with ExitStack() as stack:
        base = stack.enter_context(workshop("realtime", options.folder))
        url = stack.enter_context(database(options.database))
        belong(base / "site", url, options.redis)
        servers = stack.enter_context(serving(2))
        import django

        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # Playwright has an event loop here
        django.setup()
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        stack.callback(browser.close)
        push = one_way("push", base, servers, browser, options.n, options.keywords)
        polling = one_way("polls", base, servers, browser, options.polls, options.polls)
        print("\n".join(table(push, polling)), flush=True)
        with_it, without = costs(base, servers, options.cost)
    print(
        f"A client's channel: {with_it['core']:.3%} of a core and {with_it['rss']:.1f} MiB; "
        f"without: {without['core']:.3%} and {without['rss']:.1f} MiB."
    )
    found = {"push": attrs.asdict(push), "polling": attrs.asdict(polling)}
    write(options.json, options=vars(options), cost=[with_it, without], **found)


if __name__ == "__main__":
    main()
