"""
The app's slot for a connection: whose it is when X says that it is taken, and freed if it is ours.

Knows which connection was ours, by its id at X or by when and from where it was opened.  A slot of
anybody else is only named.
"""

from collections.abc import Callable
from functools import partial

from msgspec import structs
from twisted.application.service import Service
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.web.http_headers import Headers
from twisted.web.iweb import IResponse

from tcclient.http.bodies import read_beginning
from tcclient.ledger.entries import moment
from tcclient.ledger.wording import when
from tcclient.runtime.backoff import Refusal, RefusalError
from tcclient.runtime.failures import one_line
from tcclient.runtime.timers import Timers
from tcclient.runtime.unattended import unattended
from tcclient.runtime.wallclock import Wall
from tcclient.sources.twitter_v2.api import StreamQuery
from tcclient.sources.twitter_v2.entries import ConnectionFreed
from tcclient.sources.twitter_v2.problems import SLOT
from tcclient.sources.twitter_v2.slot.appapi import AppApi, Connections, OpenConnection
from tcclient.sources.twitter_v2.slot.record import ConnectionRecord, RecordFile
from tcclient.storage.folders import Folders
from tcclient.stream.streamapi import StreamApi

log = Logger()

NEAR = 2.0
"""Seconds by which X's time of a connection and ours may differ."""
LOOK_AFTER = 1.0
"""Seconds after which X lists a new connection."""
AGAIN = (0.0, 1.0, 2.0)
"""Seconds to wait before each attempt to connect once the slot was freed."""
DAY = 24 * 3600.0
WINDOW = 900.0
"""Seconds of X's rate limits."""
MOST_EXPLANATION = 4000
"""Bytes of a refusal that are read."""
READING = 10.0
"""Seconds for that."""
MOST_NAMED = 3
_LONGEST = 60
"""Characters of a name or an address."""


class OwnSlot(Service, StreamApi[StreamQuery]):
    """
    An API that opens streams by another one, notes in the `record` which connection was opened, and
    ends a dead one of ours that keeps the slot.  `begin()` is called before the first stream.
    """

    def __init__(
        self,
        api: StreamApi[StreamQuery],
        app: AppApi,
        folders: Folders,
        clock: IReactorTime,
        wall: Wall,
    ) -> None:
        self._api = api
        self._app = app
        self._folders = folders
        self._clock = clock
        self._wall = wall
        self.stall_timeout = api.stall_timeout
        self._record: RecordFile | None = None
        self._is_open: Callable[[], bool] = lambda: False
        self._timers = Timers(clock)
        self._looking: Deferred[None] | None = None
        self._not_before = 0.0
        self._said: str | None = None
        self._kept = ""

    def begin(self, record: RecordFile, is_open: Callable[[], bool]) -> None:
        """
        Take the record of the process before this one.  `is_open` returns whether a stream of this
        one is open, beside which another is asked for only to replace it.
        """
        self._record, self._is_open = record, is_open

    def stopService(self) -> Deferred[None]:
        """Ask nothing more.  Fires when the record says what was opened last, or after LAST."""
        super().stopService()  # type: ignore[no-untyped-call]  # not annotated
        self._stop_looking()
        return succeed(None) if self._record is None else self._record.close()

    def endpoint(self, query: StreamQuery) -> str:
        return self._api.endpoint(query)

    def refusal(self, status: int, headers: Headers, body: bytes) -> Refusal:
        return self._api.refusal(status, headers, body)

    def open(self, query: StreamQuery) -> Deferred[IResponse]:
        """
        Ask for the stream.  Fires with the answer; fails with RefusalError, which says whose the
        slot is, where it is taken.
        """
        self._stop_looking()
        return Deferred.fromCoroutine(self._open(query))

    async def _open(self, query: StreamQuery) -> IResponse:
        response = await self._api.open(query)
        if response.code == 429:
            response = await self._overcome(query, response)
        if response.code == 200 and self._record is not None:
            before = self._record.last
            earlier, ip = before.id or before.earlier, before.client_ip
            # As X calls it in the list of connections.
            name = "sample_stream" if query.is_sample else "filtered_stream"
            opened = ConnectionRecord(name, self._wall(), client_ip=ip, earlier=earlier)
            self._record.write(opened)
            # Without an address, one that is not noted before a kill is nobody's afterwards.
            self._look_in(LOOK_AFTER if ip else 0.0, self._clock.seconds())
        return response

    async def _overcome(self, query: StreamQuery, response: IResponse) -> IResponse:
        """Free the slot if it is ours, and return the answer then.  Raises RefusalError."""
        meaning = await self._meaning(response)
        found = await self._connections() if meaning.trouble is SLOT else None
        dead = [] if found is None else self._our_dead(found)
        if dead and await self._end(dead):
            for wait in AGAIN:
                await deferLater(self._clock, wait)
                again = await self._api.open(query)
                if again.code != 429:
                    return again
                meaning = await self._meaning(again)
                if meaning.trouble is not SLOT:
                    break
            found = await self._connections() if meaning.trouble is SLOT else None
        if found is not None:
            explanation = f"{meaning.explanation.rstrip('.')}: {holders(found)}".lstrip(": ")
            meaning = structs.replace(meaning, explanation=explanation)
        raise RefusalError(f"the answer was {response.code}", meaning, response.code)

    async def _meaning(self, response: IResponse) -> Refusal:
        """Return what X means by an answer that refuses the stream."""
        reading = read_beginning(response, MOST_EXPLANATION)
        said = await reading.addTimeout(READING, self._clock)
        return self._api.refusal(response.code, response.headers, said)

    async def _end(self, dead: list[OpenConnection]) -> bool:
        """End our dead connections.  Return whether X has ended them; if not, that is said once."""
        why = "it is still there"
        try:
            is_ended = await self._app.end([one.id for one in dead])
        except RefusalError as e:
            is_ended, why = False, str(e)
        if not is_ended:
            kept = f"{_shown(dead[0])}, which is over: {why}"
            if self._kept != kept:
                log.info("X does not end our connection {kept}.", kept=kept)
            self._kept = kept
        for one in dead if is_ended else ():
            log.info(
                "X still had our connection {one}, which is over: it is ended.", one=_shown(one)
            )
            since = moment(one.since)
            self._folders.note(ConnectionFreed(id=one.id, since=since, client_ip=one.client_ip))
        return is_ended

    def _our_dead(self, found: Connections) -> list[OpenConnection]:
        """
        Return the connections that this client opened last, and whose process, or whose stream in
        this one, has gone.  Of two that may be one whose id was not noted, neither is taken for it.
        """
        if self._record is None or not self._record.is_held or self._is_open():
            return []
        last = self._record.last
        noted = [one for one in found.open if one.id in (last.id, last.earlier)]
        if last.id or not last.client_ip:
            return noted
        opened = last.opened + found.now - self._wall()  # by X's clock
        near = [
            one
            for one in found.open
            if one not in noted
            and (one.endpoint, one.client_ip) == (last.endpoint, last.client_ip)
            and abs(one.since - opened) <= NEAR
        ]
        return noted + near if len(near) == 1 else noted

    async def _connections(self) -> Connections | None:
        """Return the app's connections; None where X does not tell them, which is said once."""
        if self._clock.seconds() < self._not_before:
            return None
        try:
            found = await self._app.connections()
        except RefusalError as e:
            self._failed(e)
            return None
        self._said = None
        return found

    def _failed(self, error: RefusalError) -> None:
        """Say that X does not tell connections, if that is news; leave it alone a while."""
        now = self._clock.seconds()
        if error.status in (403, 404):
            self._not_before = now + DAY
        elif error.status == 429:
            self._not_before = now + max(WINDOW, error.refusal.at_least)
        if self._said != str(error):
            self._said = str(error)
            log.info("X does not tell which connections the app has: {reason}.", reason=error)

    def _look_in(self, seconds: float, opened: float) -> None:
        self._timers.start("look", seconds, partial(self._look, opened))

    def _look(self, opened: float) -> None:
        """Note the id of the connection that was opened at `opened`."""

        async def look() -> None:
            found = await self._connections()
            record = self._record
            if found is None or record is None:
                return
            age = self._clock.seconds() - opened
            near = [
                one
                for one in found.open
                if one.endpoint == record.last.endpoint and abs(found.now - one.since - age) <= NEAR
            ]
            if len(near) == 1:
                (one,) = near
                record.write(structs.replace(record.last, id=one.id, client_ip=one.client_ip))
            elif not near and age < LOOK_AFTER:
                self._look_in(LOOK_AFTER - age, opened)

        self._looking = unattended(look(), log, "The connection could not be noted.")

    def _stop_looking(self) -> None:
        self._timers.stop("look")
        if self._looking is not None:
            self._looking.cancel()
        self._looking = None


def holders(found: Connections) -> str:
    """Return which connections the app has, the first of many."""
    names = ", ".join(_shown(one) for one in found.open[:MOST_NAMED])
    more = f" and {len(found.open) - MOST_NAMED} more" if len(found.open) > MOST_NAMED else ""
    return f"{names}{more}" if names else "X lists no connection"


def _shown(one: OpenConnection) -> str:
    """Return a connection as a line of the log has it."""
    address = f" from {one_line(one.client_ip)[:_LONGEST]}" if one.client_ip else ""
    return f"{one_line(one.endpoint)[:_LONGEST]} since {when(one.since)} UTC{address}"
