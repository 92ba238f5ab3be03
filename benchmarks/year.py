"""
`python -m benchmarks.year`: what the pages of an installation cost after a year.

An installation is filled with what 100 captures bring in a year, and each page is asked for again
and again, as an administrator, in this process.  Its CPU is that of Django's whole way through a
request, and of PostgreSQL's process for it.  The ledger of one capture comes as a client sends it,
and is taken into the account; those of the others are copies of it and of its account.

The database is a file, or with `--database postgres://…` one that is made beside the one that is
named, and dropped in the end.  Exits with status 1 where a page takes more than 300 ms at p95.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs

from benchmarks.arguments import parser, whole
from benchmarks.lag import percentile
from benchmarks.livesite import belong, database
from benchmarks.machine import write
from benchmarks.scene import workshop

MOST = 0.3
"""Seconds of CPU that a page may take at p95."""
GAP = timedelta(minutes=10)
_HALF_A_YEAR_AGO = int((time.time() - 180 * 86_400) * 1e6)
PASSWORD = "correct horse battery"


@attrs.frozen
class PageCost:
    """What a page took each time that it was asked for, and what it was made of."""

    page: str
    seconds: list[float]
    queries: int
    bytes: int

    @property
    def p95(self) -> float:
        """Seconds of CPU."""
        return percentile(self.seconds, 0.95)


def set_up(folder: Path, url: str | None) -> None:
    """Make an installation in a folder, as `tcserver up` does, and have this process be it."""
    belong(folder, url)
    from tcserver.keys import make_keys

    make_keys(folder)
    import django

    django.setup()
    from django.core.management import call_command
    from django.utils import timezone

    from tcserver.history.acts import by_server
    from tcserver.people.services.first import first_start

    call_command("migrate", verbosity=0, interactive=False)
    first_start(PASSWORD, by_server(timezone.now()))


def pages(captures: Sequence[int], clients: Sequence[int], project: int) -> dict[str, list[str]]:
    """Return the addresses of each page; where there are several, those of some of its kind."""
    some = [captures[n * len(captures) // 10] for n in range(10)] if captures else []
    named = {
        "captures/<id>/": "",
        "captures/<id>/?span=hour": "?span=hour",
        "captures/<id>/?span=week": "?span=week",
        "captures/<id>/?span=all": "?span=all",
        "captures/<id>/account/": "account/",
        "captures/<id>/account/?files=250": "account/?files=250",
        "captures/<id>/events/": "events/",
        "captures/<id>/events/?kind=acts&before=…": f"events/?kind=acts&before={_HALF_A_YEAR_AGO}",
        "captures/<id>/edit/": "edit/",
    }
    found = {name: [f"/captures/{one}/{rest}" for one in some] for name, rest in named.items()}
    lists = ("captures/", "captures/?show=attention", "captures/?q=year", "captures/?sort=posts")
    lists += ("captures/?show=archive", "captures/new/", "clients/", "alerts/")
    lists += ("history/", "history/?before=500000", "about/", "people/", "projects/", "account/")
    lists += ("alerts/channels/1/",)
    found |= {name: [f"/{name}"] for name in lists}
    found["clients/<id>/"] = [f"/clients/{one}/" for one in clients[:10]]
    found["projects/<id>/"] = [f"/projects/{project}/"]
    return found


def measure(browser: Any, pages: dict[str, list[str]], times: int) -> Iterator[PageCost]:
    """Yield what each page costs; the first time does not count."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    used = _used(connection)
    for name, addresses in pages.items():
        seconds, size, queries = [], 0, 0
        for address in addresses:
            with CaptureQueriesContext(connection) as asked:
                answer = browser.get(address)
            if answer.status_code != 200:
                raise SystemExit(f"{address} is answered with {answer.status_code}.")
            queries, size = max(queries, len(asked)), max(size, len(answer.content))
        for turn in range(times):
            before = used()
            browser.get(addresses[turn % len(addresses)])
            seconds.append(used() - before)
        yield PageCost(name, seconds, queries, size)


def look(times: int) -> PageCost:
    """Return what it costs to look at all clients and captures for alerts."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext
    from django.utils import timezone

    from tcserver.alerts.services.look import verdicts

    used, seconds = _used(connection), []
    with CaptureQueriesContext(connection) as asked:
        verdicts(GAP, timezone.now())
    for _ in range(times):
        before = used()
        verdicts(GAP, timezone.now())
        seconds.append(used() - before)
    return PageCost("(a look for alerts, each 10 s)", seconds, len(asked), 0)


def _used(connection: Any) -> Callable[[], float]:
    """Return what tells the CPU of this process and of PostgreSQL's for its connection."""
    if connection.vendor == "sqlite":
        return time.process_time
    pid = connection.connection.info.backend_pid
    file = Path(f"/proc/{pid}/schedstat")
    return lambda: time.process_time() + int(file.read_text().split()[0]) / 1e9


def table(costs: Sequence[PageCost]) -> Iterator[str]:
    """Yield the lines of a table, the dearest page first."""
    yield "| page | CPU ms, p50 | p95 | most | queries | kB |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for one in sorted(costs, key=lambda one: -one.p95):
        times = [percentile(one.seconds, share) * 1e3 for share in (0.5, 0.95, 1.0)]
        cells = " | ".join(f"{found:.0f}" for found in times)
        yield f"| {one.page} | {cells} | {one.queries} | {one.bytes / 1e3:.0f} |"


def read_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options."""
    told = parser(__doc__, "year.json")
    add = told.add_argument
    add("--database", help="postgres://…, whose user may make databases")
    add("--captures", type=whole, default=100)
    add("--days", type=whole, default=365)
    add("--lines", type=whole, default=5_000_000, help="of all ledgers together")
    add("--history", type=whole, default=1_200_000, help="entries")
    add("--alerts", type=whole, default=800_000, help="changes, messages, attempts")
    add("--times", type=whole, default=40, help="how often each page is asked for")
    return told.parse_args(arguments)


def main() -> None:
    """Fill, measure, print."""
    options = read_arguments()
    with workshop("year", options.folder) as folder, database(options.database) as url:
        set_up(folder, url)
        costs = _run(options)
    sys.exit(1 if any(one.p95 > MOST for one in costs) else 0)


def _run(options: argparse.Namespace) -> list[PageCost]:
    from django.test import Client

    from benchmarks.yearsite import YearSize, database_size, fill
    from tcserver.people.models import Project, User

    size = YearSize(options.captures, options.days, options.lines, options.history, options.alerts)
    made = fill(size, lambda said: print(said, flush=True))
    total = database_size()
    browser = Client(headers={"Host": "127.0.0.1"})
    browser.force_login(User.objects.get(username="admin"))
    clients = sorted({one.client for one in made})
    project = Project.objects.order_by("pk")[0].pk
    asked = pages([one.capture for one in made], clients, project)
    costs = [*measure(browser, asked, options.times), look(options.times)]
    print("\n".join([*table(costs), "", f"database: {total / 1e9:.2f} GB"]))
    asked_for = {one.page: attrs.asdict(one) for one in costs}
    write(options.json, size=attrs.asdict(size), database=total, pages=asked_for)
    return costs


if __name__ == "__main__":
    main()
