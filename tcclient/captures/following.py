"""
Sends the server what it lacks of each ledger, beside all else.

Knows what is sent next, and what a server may say of it; does not know what ledgers say.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from msgspec import Struct
from twisted.internet.task import deferLater
from twisted.logger import Logger

from tcclient.captures.carrying import Carrying
from tcclient.captures.restedcalls import RestedCalls
from tcclient.control.answers import ServerError
from tcclient.control.reports import Held
from tcclient.ledger.ledgerfile import Ledger
from tcclient.ledger.locks import LedgerInUse
from tcclient.ledger.parts import LedgerBytes, LedgerParts
from tcclient.runtime.failures import explain_os
from tcclient.runtime.wallclock import Date
from tcclient.storage.archive import Archive
from tcclient.storage.folders import Folders

log = Logger()

DOING = "taking ledgers"
PIECE = 64 << 10
"""Most bytes of all ledgers that are on their way; where a proxy takes fewer at once, fewer."""
LEAST = 1 << 10
SPACING = 0.25
"""Seconds between two requests: other clients have something to tell too."""
NEW_AT_ONCE = 64
"""Pieces of one ledger in a round, where it is written now."""
OLD_AT_ONCE = 8
"""How many of the others have their turn in a round, and pieces of each."""
LATER = 3600.0
"""Seconds after which a ledger that the server did not want is offered again."""


class FollowedLedger(Struct, frozen=True):
    """A ledger at a path, of a job or of none."""

    path: Path
    job: int | None
    bytes: LedgerBytes


class LedgerFollower:
    """
    Follows the ledgers of all folders that concern the server; `archives` returns those that are
    open, by the paths of their ledgers.
    """

    def __init__(
        self,
        calls: Carrying,
        folders: Folders,
        archives: Callable[[], Mapping[Path, Archive]],
        tries: RestedCalls,
    ) -> None:
        self._calls = calls
        self._folders = folders
        self._clock = folders.clock
        self._archives = archives
        self._tries = tries
        self._parts = LedgerParts()
        self._piece = PIECE
        self.of_none: list[FollowedLedger] = []
        """Those that are written now and are of no job, as they were when looked for last."""
        self._held: dict[str, int] = {}
        self._others: set[str] = set()  # of which the server has other bytes than are here
        self._not_before: dict[str, float] = {}
        self._renewed: dict[Path, float] = {}
        self._unread: dict[Path, str] = {}

    async def follow(self) -> None:
        """
        Send all that is new of what is written now, and then a part of the rest: first what was
        written until lately, then the newest folders.
        """
        await self._tries.make(DOING, self._follow)

    async def _follow(self) -> None:
        """Do so.  Raises ServerError."""
        found = await self._look()
        self.of_none = [one for one in found if one.job is None and one.bytes.growing]
        ledgers = [one for one in found if self._is_left(one)]
        open_here = self._archives().keys() | {one.path for one in ledgers if one.job is None}
        written = [one for one in ledgers if one.bytes.growing and one.path in open_here]
        for one in sorted(written, key=self._lacking):
            await self._send(one, NEW_AT_ONCE)
        rest = [one for one in reversed(ledgers) if one not in written]
        rest.sort(key=lambda one: one.bytes.id not in self._held)
        for one in rest[:OLD_AT_ONCE]:
            await self._send(one, OLD_AT_ONCE)

    def compare(self, held: Sequence[Held]) -> None:
        """Find out anew what the server has of those of which it holds something else by now."""
        for one in held:
            if self._held.get(one.ledger) != one.held:
                self._held.pop(one.ledger, None)

    async def _look(self) -> list[FollowedLedger]:
        """Return the ledgers that there are, those of each path in their order."""
        jobs = await self._folders.use.threads(self._folders.ledgers)
        archives = self._archives()
        lengths = {
            path: archives[path].ledger.length if path in archives else None for path in jobs
        }
        found = await self._folders.use.threads(partial(self._parts.look, lengths))
        self._say_unread({path: explain_os(e) for path, e in self._parts.unread.items()})
        return [
            FollowedLedger(path, jobs[path], one) for path, all_ in found.items() for one in all_
        ]

    def _is_left(self, one: FollowedLedger) -> bool:
        """Return whether the server may not have what is here of a ledger, and wants it."""
        wanted = self._not_before.get(one.bytes.id, 0.0) <= self._clock.seconds()
        return wanted and self._held.get(one.bytes.id) != one.bytes.end

    def _lacking(self, one: FollowedLedger) -> int:
        """Return how many bytes of a ledger the server lacks, as far as is known."""
        return one.bytes.end - self._held.get(one.bytes.id, 0)

    async def _send(self, one: FollowedLedger, most: int) -> None:
        """Send what is lacking of a ledger, in at most so many pieces.  Raises ServerError."""
        id = one.bytes.id
        try:
            if id not in self._held:
                await self._find_out(one)
            pieces = 0
            while one.bytes.begin <= self._held[id] < one.bytes.end and pieces != most:
                pieces += 1
                if id in self._others or not await self._send_piece(one):
                    break
        except ServerError as e:
            if not self._is_of_this_one(one, e):
                raise
        else:
            await self._compare(one)

    async def _find_out(self, one: FollowedLedger) -> None:
        """Ask what the server has, and whether that is what is here.  Raises ServerError."""
        id, ledger = one.bytes.id, one.bytes
        told = await self._calls.held(id)
        begin = told.held - told.tail
        if told.tail and ledger.begin <= begin and told.held <= ledger.end:
            with suppress(OSError):  # then they cannot be sent either, which is said
                read = partial(ledger.sha256, begin, told.held)
                if await self._folders.use.threads(read) != told.sha256:
                    self._others.add(id)
        self._held[id] = told.held
        await deferLater(self._clock, SPACING)

    async def _send_piece(self, one: FollowedLedger) -> bool:
        """Send the next bytes; return False if there are none by now.  Raises ServerError."""
        id, offset = one.bytes.id, self._held[one.bytes.id]
        read = partial(one.bytes.read, offset, self._piece)
        try:
            data = await self._folders.use.threads(read)
        except OSError as e:
            self._parts.forget(one.path)
            self._say_unread({**self._unread, one.path: explain_os(e)})
            return False
        if data:
            held = await self._calls.append(id, one.job, offset, data)
            if held == offset:
                raise ServerError("it holds no more of a ledger after it was sent some")
            self._held[id] = held
            await deferLater(self._clock, SPACING)
        return bool(data)

    def _is_of_this_one(self, one: FollowedLedger, error: ServerError) -> bool:
        """Return whether the server refuses this ledger, or so much of it, and takes others."""
        if error.status == 413 and self._piece > LEAST:
            self._piece //= 2
            return True
        if error.status not in (400, 413):
            return False
        if one.bytes.id not in self._not_before:
            log.info(
                "The capture server does not take the ledger {path}: {reason}.",
                path=str(one.path),
                reason=str(error),
            )
        self._not_before[one.bytes.id] = self._clock.seconds() + LATER
        return True

    async def _compare(self, one: FollowedLedger) -> None:
        """
        Have a ledger go on under another id where the server has other bytes of it than are here,
        or wants some that are not here any more.  Raises ServerError where that has not helped.
        """
        id, held = one.bytes.id, self._held[one.bytes.id]
        is_ahead = id in self._others or held > one.bytes.end
        if not is_ahead and one.bytes.begin <= held:
            return
        if not one.bytes.growing:
            self._held[id] = one.bytes.end  # nothing is left to send
            return
        now = self._clock.seconds()
        if now < self._renewed.get(one.path, -LATER) + LATER:
            raise ServerError("it claims to have other bytes of each ledger than there are")
        if await self._begin_another(one, "ahead" if is_ahead else "behind"):
            self._renewed[one.path] = now

    async def _begin_another(self, one: FollowedLedger, because: str) -> bool:
        """Return whether another id has begun: not where somebody else writes the ledger."""
        archive, now = self._archives().get(one.path), self._folders.wall()
        try:
            if archive is not None:
                await archive.begin_another_ledger(because)
            else:
                await self._folders.use.writing(partial(_begin_another, one.path, because, now))
        except LedgerInUse:
            return False
        log.warn(
            "{path} goes on as another ledger: the capture server {has}.",
            path=str(one.path),
            has="has more of it than is here, or other lines, as after a restore"
            if because == "ahead"
            else "lacks a part of it that is not here any more",
        )
        return True

    def _say_unread(self, unread: dict[Path, str]) -> None:
        """Log which files cannot be read, each once."""
        for path, reason in unread.items():
            if self._unread.get(path) != reason:
                log.error("Cannot read {path}: {reason}.", path=str(path), reason=reason)
        self._unread = unread


def _begin_another(path: Path, because: str, now: Date) -> None:
    """Have a ledger that nobody has open go on under another id.  Raises OSError."""
    with Ledger(path, lambda: now) as ledger:
        ledger.begin_another(because, now)
