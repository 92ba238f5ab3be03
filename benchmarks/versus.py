"""
CPU per request of tcserver beside that of the plain way, by turns, on the same database.

Knows how the plain way is installed and started; see benchmarks.plainway for what it is.
"""

import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import attrs

from benchmarks.fleetload import POLL, REPORT, UPDATE, Connection, Member
from benchmarks.fleetsite import forget_contacts
from benchmarks.measuring import cpu
from benchmarks.rivals import INSTALLING, default_cache
from tests.long.processes import ending

REQUIREMENT = "djangorestframework==3.18.3"
AT_ONCE = 4
"""Connections in use at the same time."""
OURS, THREADED, STOCK = "tcserver", "plain, in tcserver's threads", "plain, Django's own handler"


@attrs.frozen
class Contestant:
    """A server that is measured: its name, process and port."""

    name: str
    pid: int
    port: int


Costs = Mapping[str, Mapping[str, Sequence[float]]]
"""Kind of request -> contestant -> milliseconds of CPU per request, a figure a round."""


@contextmanager
def plain_ways() -> Iterator[list[Contestant]]:
    """Have the plain way serve, in both of its settings."""
    folder = default_cache() / REQUIREMENT.replace("==", "-")
    if not (folder / "rest_framework").exists():
        # Without what it needs, which is here.
        command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target"]
        subprocess.run([*command, str(folder), REQUIREMENT], check=True, timeout=INSTALLING)
    processes, found = [], []
    with ending(processes):
        for name, stock in ((THREADED, ""), (STOCK, "1")):
            port = _free_port()
            command = [sys.executable, "-m", "daphne", "-v0", "-b", "127.0.0.1", f"-p{port}"]
            paths = f"{Path(__file__).parents[1]}:{folder}"
            environment = {**os.environ, "PYTHONPATH": paths, "TCC_STOCK_ASGI": stock}
            environment["DJANGO_SETTINGS_MODULE"] = "benchmarks.plainsettings"
            command.append("benchmarks.plainway:application")
            process = subprocess.Popen(command, env=environment)
            processes.append(process)
            _wait_for(port)
            found.append(Contestant(name, process.pid, port))
        yield found


async def compare(
    contestants: Sequence[Contestant], members: Sequence[Member], rounds: int
) -> dict[str, dict[str, list[float]]]:
    """
    Have each member ask each contestant once a round, for each kind of request; the first round
    does not count.  Before the polls nobody has been here, so that each of them notes a contact.
    """
    costs: dict[str, dict[str, list[float]]] = {}
    for turn in range(rounds + 1):
        for kind, asked in _REQUESTS.items():
            for one in contestants:
                if kind == POLL:
                    await asyncio.to_thread(forget_contacts)
                before = cpu(one.pid)
                await _lap(one.port, members, kind, asked)
                spent = (cpu(one.pid) - before) / len(members) * 1e3
                if turn:
                    costs.setdefault(kind, {}).setdefault(one.name, []).append(spent)
    return costs


def ratio_of(costs: Costs, kind: str, base: str) -> float:
    """Return tcserver's median by that of another contestant."""
    return statistics.median(costs[kind][OURS]) / statistics.median(costs[kind][base])


def _report(member: Member) -> tuple[str, object]:
    return f"activejobs/{member.capture}/", {"total_count": 1500, "rate": 15}


def _update(member: Member) -> tuple[str, object]:
    # The plain way has the columns' names.
    told = {"job": member.capture, "capture": member.capture, "total_count": 1500, "total": 1500}
    return "update/", {**told, "count": 0, "rate": 15}


_REQUESTS: Mapping[str, Callable[[Member], tuple[str, object]]] = {
    POLL: lambda member: ("activejobs/?limit=1000&offset=0", None),
    REPORT: _report,
    UPDATE: _update,
}


async def _lap(
    port: int,
    members: Sequence[Member],
    kind: str,
    asked: Callable[[Member], tuple[str, object]],
) -> None:
    """Have each member ask once.  Raises RuntimeError where one is refused."""

    async def some(mine: Sequence[Member]) -> None:
        connection = Connection(port, "")
        for member in mine:
            target, content = asked(member)
            body = None if content is None else json.dumps(content).encode()
            connection.token = member.token
            status, answer = await connection.ask(kind.split()[0], target, body)
            if status >= 300:
                raise RuntimeError(f"{kind} at port {port}: {status} {answer[:500]!r}")
        connection.hang_up()

    await asyncio.gather(*(some(members[n::AT_ONCE]) for n in range(AT_ONCE)))


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def _wait_for(port: int, seconds: float = 60.0) -> None:
    """Return once somebody listens there.  Raises TimeoutError."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except ConnectionRefusedError:
            time.sleep(0.1)
    raise TimeoutError("the plain way does not start")
