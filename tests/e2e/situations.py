"""
The situations that a client can be in, played with a real one: what log and `tcc-health` say.

`python -m tests.e2e.situations` plays them all, which takes six minutes, and prints the lines.
"""

import json
import re
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, cast

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater, react

from tcsandbox.twitter.common.damage import Close, Stall
from tcsandbox.twitter.v2.faults import TooManyConnections
from tests.e2e.faketime import machine_clock
from tests.e2e.processes import python, together
from tests.e2e.stand import ARGUMENTS, Stand, reactor
from tests.faults import baddisk
from tests.faults.disks import fill, small_disk

LIVELY, SILENT = 75.0, 400.0
"""Seconds for which a stream is lively, and until its silence has been said, both in real time."""
AHEAD = 120


@attrs.frozen
class Seen:
    """
    What has been said: in the log, empty if nothing, by `tcc-health`, and by `tcc-health --json`,
    which is in the form that servers are told.
    """

    log: str
    command: str
    report: dict[str, Any]

    @classmethod
    async def at(cls, stand: Stand, log: str) -> "Seen":
        """Return what the command says now."""
        return cls(log, await stand.asked(), json.loads(await stand.asked("--json")))

    def check(self) -> None:
        """Raise AssertionError where not the same words are said everywhere."""
        command = self.command.partition(" - ")[2].partition(" | ")[0]
        if self.log:
            log = self.log.partition(" UTC: ")[2]
            assert _masked(log) == _masked(command), (log, command)
        said = [_masked(f"{one['what']} {one['cure']}") for one in self.report["findings"]]
        if said:
            assert _masked(command) == " ".join(said), (command, said)
        for capture in self.report["captures"]:
            condition, reason = capture["condition"], _masked(capture.get("reason", ""))
            assert (condition == "ok") == (reason == ""), capture
            assert not reason or reason in said, (reason, said)


def _masked(words: str) -> str:
    """Return words without figures, which may have changed between two looks."""
    unit = r"(?: (?:d|h|min|s)\b)?"
    return re.sub(rf"\d[\d,.]*{unit}(?: \d[\d.]*{unit})?", "#", words)


Play = Callable[[Stand], Awaitable[Seen]]


@attrs.frozen
class Situation:
    """Its name, how it is played, and words that are said in the log and by the command."""

    name: str
    play: Play
    log: str
    command: str


async def healthy(stand: Stand) -> Seen:
    """Posts come for longer than anything has to last that is said."""
    stand.settings()
    client = await stand.captures()
    await deferLater(reactor, 75)
    assert "Health" not in client.out, client.out
    return await Seen.at(stand, "")


async def quiet(stand: Stand) -> Seen:
    """Fifty posts a second, then keep-alives."""
    stand.settings()
    stand.twitter.set_rate(50)
    client = await stand.captures()
    await deferLater(reactor, LIVELY)
    stand.twitter.set_rate(0)
    return await Seen.at(stand, await stand.says(client, SILENT))


async def stalled(stand: Stand) -> Seen:
    """The stream, and each that is made after it, is open and brings not a byte."""
    stand.settings(twitter={"stall_timeout": 2})
    client = await stand.captures()
    stand.twitter.fault(Stall(when="connect", times=1000))
    stand.twitter.fault(Stall())
    return await Seen.at(stand, await stand.says(client))


async def refused(stand: Stand) -> Seen:
    """The secret is not the account's."""
    stand.settings(twitter_auth={"access_token_secret": "x" * 45})
    client = stand.client()
    return await Seen.at(stand, await stand.says(client))


async def taken(stand: Stand) -> Seen:
    """Another client has the app's one connection."""
    stand.settings("2")
    client = await stand.captures()
    stand.twitter.fault(TooManyConnections(times=1000))
    stand.twitter.fault(Close())
    return await Seen.at(stand, await stand.says(client))


async def nearly_full(stand: Stand) -> Seen:
    """It is a small one."""
    stand.settings(output={"min_free_bytes": 10_000_000})
    await small_disk(cast(Any, stand))
    client = await stand.captures()
    return await Seen.at(stand, await stand.says(client))


async def full(stand: Stand) -> Seen:
    """Not a byte is left on the disk, also not for the ledger."""
    stand.settings(output={"min_free_bytes": 0})
    await small_disk(cast(Any, stand))
    client = await stand.captures()
    filler = fill(stand.data.parent, leaving=0)
    seen = await Seen.at(stand, await stand.says(client))
    filler.unlink()
    return seen


async def read_only(stand: Stand) -> Seen:
    """
    The disk can only be read.  No system makes it so on demand under a client that has files open:
    the client alone finds it so, and has no file to say it in.
    """
    stand.settings()
    order = stand.folder / "refuse"
    client = await stand.captures(python(baddisk.__file__, str(order), *ARGUMENTS))
    draft = order.with_suffix(".draft")
    draft.write_text("EROFS")
    draft.rename(order)
    seen = await Seen.at(stand, await stand.says(client))
    order.unlink()
    return seen


async def away(stand: Stand) -> Seen:
    """Nothing listens at the server's address."""
    stand.settings()
    client = await stand.captures()
    await stand.away()
    return await Seen.at(stand, await stand.says(client))


async def used_up(stand: Stand) -> Seen:
    """More posts come than twitter.budget has."""
    stand.settings("2", twitter={"budget": {"posts_per_day": 50}})
    client = await stand.captures()
    return await Seen.at(stand, await stand.says(client))


async def clock_off(stand: Stand) -> Seen:
    """This machine's clock is two minutes ahead."""
    stand.settings()
    clock = await machine_clock(cast(Any, stand), stand.folder)
    clock.set(AHEAD)
    client = await stand.captures(**clock.environ)
    return await Seen.at(stand, await stand.says(client))


async def dead(stand: Stand) -> Seen:
    """The client is killed."""
    stand.settings()
    client = await stand.captures()
    await client.end(signal.SIGKILL)
    return await Seen.at(stand, "")


HTTP_401 = r"refused \(401.*twitter_auth"
SITUATIONS = (
    Situation("healthy", healthy, "^$", "^TCC OK - Posts of 1 capture come and are stored"),
    Situation("quiet", quiet, "degraded.*No post of 'storm'", "WARNING - No post of 'storm'"),
    Situation("stalled", stalled, "down since.*no stream for", "CRITICAL.*no stream for"),
    Situation("refused credentials", refused, HTTP_401, HTTP_401),
    Situation("slot taken", taken, r"refused \(429.*other client", r"refused \(429.*other client"),
    Situation("disk nearly full", nearly_full, "degraded.*bytes are left", "WARNING.*are left"),
    Situation("disk full", full, "down.*No space left", "CRITICAL.*No space left"),
    Situation("read-only", read_only, "down.*Read-only", "CRITICAL.*Read-only file system"),
    Situation("server away", away, "degraded.*capture server fails", "WARNING.*server fails"),
    Situation(
        "budget used up",
        used_up,
        "down.*100 % of the posts",
        "CRITICAL.*budget is used.*100 % of the posts",
    ),
    Situation("clock off", clock_off, "degraded.*ahead of", "WARNING.*ahead of"),
    Situation("client dead", dead, "^$", "CRITICAL - The client has died"),
)
SLOW = {"quiet"}
"""Those that take minutes."""


async def play(situation: Situation, folder: Path) -> Seen:
    """Return what is said in a situation.  Raises AssertionError where that is something else."""
    stand = Stand(folder / situation.name.replace(" ", "-"))
    try:
        seen = await situation.play(stand)
    finally:
        await stand.end()
    for said, words in ((seen.log, situation.log), (seen.command, situation.command)):
        if re.search(words, said) is None:
            raise AssertionError(f"{situation.name}: {said!r} is not {words!r}")
    seen.check()
    return seen


def main(_: object, *names: str) -> Deferred[None]:
    """Play the situations of these names, by default all, and print what is said."""
    folder = Path(mkdtemp(prefix="situations-"))

    async def one(situation: Situation) -> None:
        seen = await play(situation, folder)
        print(f"{situation.name}\n    log:        {seen.log}\n    tcc-health: {seen.command}")

    chosen: Sequence[Situation] = [s for s in SITUATIONS if not names or s.name in names]
    return Deferred.fromCoroutine(together(map(one, chosen), len(SITUATIONS)))


if __name__ == "__main__":
    react(main, sys.argv[1:])
