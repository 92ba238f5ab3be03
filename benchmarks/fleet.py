"""
`python -m benchmarks.fleet`: what a whole fleet of clients costs the capture server.

A real `tcserver up`, one process, and clients that ask as the real one does by default: every 10 s
a poll, a report and a state, every 30 s an update and a word on the host, every minute a piece of a
ledger.  Then the CPU of a poll, a report and an update by that of the plain way, Django REST
framework over the same tables, by turns (`--rounds 0` leaves that out).

The database is a file, or with `--database postgres://…` one that is made beside the one that is
named, and dropped in the end.  Exits with status 1 where a request failed, or where the database
does not have exactly what was accepted.
"""

import argparse
import asyncio
import gc
import os
import sys
import time
from collections.abc import Iterator, Sequence

import attrs

from benchmarks.arguments import parser, positive, whole, whole_from_0
from benchmarks.fleetload import Member, Tally, live
from benchmarks.fleetsite import Sums, database_cpu, populate, sums
from benchmarks.lag import percentile
from benchmarks.livesite import LiveServer, belong, database, serving
from benchmarks.machine import write
from benchmarks.measuring import cpu, memory
from benchmarks.scene import workshop
from benchmarks.table import spread
from benchmarks.versus import OURS, Contestant, Costs, compare, plain_ways, ratio_of

INTERVAL = 10.0


@attrs.frozen
class FleetRun:
    """
    How the server did: shares of a core that it, PostgreSQL and the generator needed, the resident
    memory at the end and at the most in MiB, and what was lost of what it had accepted.
    """

    clients: int
    seconds: float
    server: float
    database: float
    generator: float
    rss: float
    peak: float
    tally: Tally
    stored: Sums

    @property
    def lost(self) -> list[str]:
        """
        A sentence where the sums are not what was accepted.  They may be higher by what was sent
        in requests that had no answer.
        """
        accepted = Sums(self.tally.counts, self.tally.counts, self.tally.ledgers)
        pairs = [*zip(attrs.astuple(accepted), attrs.astuple(self.stored), strict=True)]
        if accepted == self.stored or (self.tally.unsure and all(a <= b for a, b in pairs)):
            return []
        return [f"accepted {accepted}, stored {self.stored}"]


def run(site: LiveServer, members: Sequence[Member], options: argparse.Namespace) -> FleetRun:
    """Have the fleet live for so many minutes."""
    gc.freeze()
    seconds = options.minutes * 60
    before = cpu(site.pid), database_cpu(), cpu(os.getpid())
    began = time.monotonic()
    load = live(members, site.port, options.every, began + seconds, options.close)
    tally = asyncio.run(load)
    took = time.monotonic() - began
    after = cpu(site.pid), database_cpu(), cpu(os.getpid())
    shares = [(now - then) / took for now, then in zip(after, before, strict=True)]
    resident = memory(site.pid)
    if resident is None:
        raise SystemExit("The server has ended.")
    rss = resident.now, resident.peak
    return FleetRun(len(members), took, *shares, *rss, tally, sums())


def report(done: FleetRun) -> Iterator[str]:
    """Yield the lines of two tables: the run, and its requests by kind."""
    requests = sum(map(len, done.tally.seconds.values()))
    yield "| clients | requests/s | server, % of a core | database | generator | RSS MiB | errors |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    shares = " | ".join(f"{share:.1%}" for share in (done.server, done.database, done.generator))
    yield (
        f"| {done.clients} | {requests / done.seconds:.0f} | {shares} | "
        f"{done.rss:.0f} (peak {done.peak:.0f}) | {len(done.tally.errors)} |"
    )
    yield ""
    yield "| request | number | p50 ms | p99 ms | most ms |"
    yield "| --- | --- | --- | --- | --- |"
    for kind, found in {**done.tally.seconds, "all": _all(done.tally)}.items():
        most = [percentile(found, share) * 1e3 for share in (0.5, 0.99, 1.0)]
        yield f"| {kind} | {len(found):,} | {' | '.join(f'{one:.1f}' for one in most)} |"
    yield ""
    yield from done.tally.errors[:10]
    yield "; ".join(done.lost) or "Nothing is lost: the sums of the database are what was accepted."


def table(costs: Costs) -> Iterator[str]:
    """Yield the lines of a table: CPU per request of each contestant, and ours by theirs."""
    others = [name for name in next(iter(costs.values())) if name != OURS]
    names = [OURS, *others, *(f"÷ {name}" for name in others)]
    yield f"| CPU ms per request | {' | '.join(names)} |"
    yield f"| {' | '.join(['---'] * (len(names) + 1))} |"
    for kind, found in costs.items():
        cells = [spread(found[name], ".2f") for name in (OURS, *others)]
        cells += [f"{ratio_of(costs, kind, name):.2f}" for name in others]
        yield f"| {kind} | {' | '.join(cells)} |"


def read_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options."""
    told = parser(__doc__, "fleet.json")
    add = told.add_argument
    add("--database", help="postgres://…, whose user may make databases")
    add("--clients", type=whole, default=300)
    add("--minutes", type=positive, default=10.0)
    add("--every", type=positive, default=INTERVAL, help="seconds from poll to poll")
    add("--close", action="store_true", help="a connection for each request")
    add("--rounds", type=whole_from_0, default=5, help="of the comparison; 0 for none")
    return told.parse_args(arguments)


def main() -> None:
    """Measure, print, write."""
    options = read_arguments()
    with workshop("fleet", options.folder) as folder, database(options.database) as url:
        belong(folder, url)
        _measure(options)


def _measure(options: argparse.Namespace) -> None:
    with serving(1) as [site]:
        members = populate(options.clients)
        done = run(site, members, options)
        print("\n".join(report(done)), flush=True)
        costs: Costs = {}
        if options.rounds:
            with plain_ways() as others:
                contestants = [Contestant(OURS, site.pid, site.port), *others]
                costs = asyncio.run(compare(contestants, members, options.rounds))
            print("\n" + "\n".join(table(costs)))
    found = {"run": attrs.asdict(done), "lost": done.lost, "costs": costs}
    write(options.json, options=vars(options), **found)
    sys.exit(bool(done.lost or done.tally.errors))


def _all(tally: Tally) -> list[float]:
    return [one for found in tally.seconds.values() for one in found]


if __name__ == "__main__":
    main()
