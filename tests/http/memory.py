"""
Asks a hostile server all that a client asks by short requests, and prints what each request cost.

A process of its own, since how much memory a process has says something only where nothing else
happens.  It prints an object of [kilobytes that it had more, how the request failed] by request.
"""

import gc
import json
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import react

from tcclient.control.client import ControlServer
from tcclient.control.exchange import ServerExchange
from tcclient.http.clients import rest_client
from tcclient.runtime.secrets import Secret
from tcclient.sources.twitter_v2.bearer import Bearer
from tcclient.sources.twitter_v2.rules.api import RuleApi
from tcclient.sources.twitter_v2.slot.appapi import AppApi

Request = tuple[str, Callable[[], Awaitable[object]]]
_SECRET = Secret("Q" * 40)


def kilobytes(which: str) -> int:
    """What this process has, VmRSS, or the most that it had, VmHWM."""
    text = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith(which))


def begin() -> int:
    """Begin VmHWM anew, and return what this process has."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")
    return kilobytes("VmRSS")


def requests(url: str) -> Iterator[Request]:
    """All short requests, of whoever answers below this address."""
    http = rest_client(reactor, None)  # type: ignore[arg-type]  # a module, to mypy
    clock = reactor
    exchange = ServerExchange(http, f"{url}api/", _SECRET, "tcc", clock, clock.seconds)  # type: ignore
    server = ControlServer(exchange)
    yield "list of jobs", server.active_jobs
    yield "job", lambda: server.any_job(1)

    def bearer(given: Secret | None) -> Bearer:
        return Bearer(http, url, _SECRET, _SECRET, given, "tcc", clock, clock.seconds)  # type: ignore

    yield "token", bearer(None).token
    yield "rules", RuleApi(bearer(_SECRET)).rules
    app = AppApi(bearer(_SECRET))
    yield "connections", app.connections
    yield "usage", app.usage


async def cost(ask: Callable[[], Awaitable[object]]) -> tuple[int, str]:
    """The most kilobytes that a request took more, and how it failed, empty where it did not."""
    before, said = begin(), ""
    try:
        await ask()
    except Exception as e:
        said = str(e)
    return kilobytes("VmHWM") - before, said


async def main(address: str, cases: Sequence[str]) -> None:
    """Print what each of the cases costs: the name of an answer, and which request gets it."""
    for _, ask in requests(f"{address}nothing/"):
        await cost(ask)  # what is loaded with the first request counts for none
    gc.freeze()
    found = {}
    for case in cases:
        name, what = case.split(": ")
        found[case] = await cost(dict(requests(f"{address}{name}/"))[what])
    print(json.dumps(found))


if __name__ == "__main__":
    react(lambda _, *argv: Deferred.fromCoroutine(main(argv[0], argv[1:])), sys.argv[1:])
