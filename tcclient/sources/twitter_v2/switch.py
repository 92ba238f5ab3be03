"""
The switch between the streams that can be asked for: the filtered one, the sample, and none; and
when one is asked for again that X has refused while another was read.

Knows in which order one is closed and the next is opened; does not know who wants which.
"""

from collections.abc import Callable

from msgspec import structs
from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, DeferredLock, maybeDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from tcclient.ledger.endings import Ending
from tcclient.runtime.backoff import Backoff, Trouble
from tcclient.runtime.producers import Pausable
from tcclient.runtime.timers import Timers
from tcclient.sources.twitter_v2.api import StreamQuery
from tcclient.sources.twitter_v2.backfill import Backfill
from tcclient.sources.twitter_v2.heir import Heir
from tcclient.sources.twitter_v2.problems import SLOT
from tcclient.stream.capturestream import CaptureStream, Upstream
from tcclient.stream.streamapi import StreamListener

log = Logger()


class PutOff:
    """What was refused is the `query`, None if nothing was; `retry` is called when it `is_due`."""

    def __init__(self, clock: IReactorTime, retry: Callable[[], object]) -> None:
        self.query: StreamQuery | None = None
        self.is_due = False
        self._clock = clock
        self._timers = Timers(clock)
        self._retry = retry
        self._backoff = Backoff()
        self._wait = 0.0

    def refused(self, query: StreamQuery, ending: Ending, trouble: Trouble) -> Ending:
        """Note that X has refused the stream for `query`.  Return the ending, with its wait."""
        at_least = ending.refusal.at_least if ending.refusal else 0.0
        self._wait = self._backoff.failed(trouble, self._clock.seconds(), at_least)
        self.query, self.is_due = query, False
        self.wait()
        return structs.replace(ending, wait=self._wait)

    def wait(self) -> None:
        """Call `retry` when it is due, or due again, as it could not be asked for."""
        self._timers.start("retry", self._wait, self._ring)

    def forget(self) -> None:
        """Ask for it no more: something else is wanted, or it is to be the only stream."""
        self._timers.stop("retry")
        self.query, self.is_due, self._backoff = None, False, Backoff()

    def _ring(self) -> None:
        self.is_due = True
        self._retry()


PATIENCE = 5.0
"""Seconds in which X has to answer while another stream is read, which is to be closed."""

_SILENCE = Ending("unreachable", "X did not answer")


class StreamSwitch(MultiService, Pausable):
    """
    The one stream, or none, as `wanted` says each time that it is called; `reason` returns why the
    present stream is closed.  `listener` hears from each stream, and `backfill` when one is closed
    on purpose; `held_up` is called with why the wanted one is not opened, while the present one
    goes on.
    """

    def __init__(
        self,
        upstream: Upstream[StreamQuery],
        listener: StreamListener,
        backfill: Backfill,
        wanted: Callable[[], StreamQuery | None],
        reason: Callable[[], Ending],
        held_up: Callable[[Ending], object],
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # not annotated
        self._stream: CaptureStream[StreamQuery] | None = None
        self._upstream = upstream
        self._listener = listener
        self._backfill = backfill
        self._wanted = wanted
        self._reason = reason
        self._held_up = held_up
        self._put_off = PutOff(upstream.clock, self.aim)
        self._turn = DeferredLock()
        self._is_paused = False
        self._heir: Heir | None = None

    @property
    def query(self) -> StreamQuery | None:
        """What the present stream asks for; None where there is no stream."""
        return None if self._stream is None else self._stream.query

    @property
    def connected(self) -> bool:
        """Whether the stream is open."""
        return self._stream is not None and self._stream.connected

    @property
    def is_sample(self) -> bool:
        """Whether the stream brings the sample of all posts."""
        return self._stream is not None and self._stream.query.is_sample

    @property
    def is_heard(self) -> bool:
        """Whether the stream is open, and a byte has come over it."""
        return self._stream is not None and self._stream.is_heard

    @property
    def silent(self) -> float | None:
        """Seconds since the last byte; None where the stream is not heard."""
        return None if self._stream is None or not self._stream.is_heard else self._stream.silent

    @property
    def held_back(self) -> float:
        """Seconds for which the stream's answer was there before it was read."""
        return 0.0 if self._stream is None else self._stream.held_back

    @property
    def endpoint(self) -> str:
        """What the stream is called at X, empty where there is no stream."""
        return "" if self._stream is None else self._upstream.api.endpoint(self._stream.query)

    def slept(self, seconds: float) -> None:
        """Tell the stream, and the wait until the next one, that the machine slept."""
        self._upstream.backoff.slept(seconds)
        if self._stream is not None:
            self._stream.slept(seconds)

    def pauseProducing(self) -> None:
        self._is_paused = True
        if self._stream is not None:
            self._stream.pauseProducing()

    def resumeProducing(self) -> None:
        self._is_paused = False
        if self._stream is not None:
            self._stream.resumeProducing()

    async def drain(self) -> None:
        """Read what has arrived.  Returns when that is done."""
        if self._stream is not None:
            await self._stream.drain()

    def dated(self, ending: Ending) -> Ending:
        """Return the ending, with what is known of the last byte of the stream."""
        if self._stream is None:
            return ending
        return structs.replace(ending, silent=self._stream.silent, unread=self._stream.is_unread)

    def end(self, ending: Ending) -> None:
        """End the connection for the reason given; another one is made when it is due."""
        if self._stream is not None:
            self._stream.end(ending)

    def aim(self) -> Deferred[None]:
        """Switch to what is wanted when earlier switches are done.  Fires when that is done."""
        if self._heir is not None and self._heir.query != self._wanted():
            self._heir.give_up()
        turn: Deferred[None] = self._turn.run(lambda: Deferred.fromCoroutine(self._switch()))
        return turn.addErrback(
            lambda failure: log.failure("The stream could not be switched.", failure)
        )

    async def _switch(self) -> None:
        """Close the stream if it is not the wanted one, and open that, if any."""
        present, wanted = self._stream, self._wanted()
        if wanted != self._put_off.query:
            self._put_off.forget()
        if present is not None and present.query != wanted:
            if wanted is not None and (
                self._goes_on(present) or await self._hand_over(present, wanted)
            ):
                return
            if present.query != self._wanted():
                await self._close(present)
        if self._stream is not None:
            return
        wanted = self._wanted()
        if wanted is not None:
            self._stream = CaptureStream(self._upstream, wanted, self._listener)
            if self._is_paused:
                self._stream.pauseProducing()
            self._stream.setServiceParent(self)  # type: ignore[no-untyped-call]

    async def _close(self, stream: CaptureStream[StreamQuery]) -> None:
        """End a stream on purpose.  Returns when nothing more is heard of it."""
        self._put_off.forget()
        await stream.hang_up(self._reason())
        self._backfill.closed()
        await maybeDeferred(stream.disownServiceParent)
        self._stream = None

    async def _hand_over(self, present: CaptureStream[StreamQuery], wanted: StreamQuery) -> bool:
        """
        Open the stream that is wanted, and read the present one until X has answered.  Where X
        refuses the other for what it is, the present one goes on.  Return False, with all as it
        was, where X does not open both, or not soon: then nothing comes for a while, which is said.
        """
        if self._is_paused or not present.connected:
            return False
        self._heir = heir = Heir(self._listener, wanted)
        follower = CaptureStream(self._upstream, wanted, heir)
        follower.comes_back = False  # what it meets says nothing of the present one
        follower.setServiceParent(self)  # type: ignore[no-untyped-call]
        patience = self._upstream.clock.callLater(PATIENCE, heir.give_up)
        has_answered = await heir.answer
        self._heir = None
        if patience.active():
            patience.cancel()
        if not has_answered:
            await maybeDeferred(follower.disownServiceParent)
            if self._wanted() != wanted:
                return False
            ending = heir.ending or _SILENCE
            trouble = ending.trouble or Trouble.NETWORK
            if trouble is not SLOT and (heir.ending is not None or self._put_off.query is not None):
                self._held_up(self._put_off.refused(wanted, ending, trouble))
                return True
            log.warn(
                "X does not open the stream of {wanted} beside that of {present}: this one is "
                "closed first, and nothing comes until the other is open.",
                wanted=str(wanted),
                present=str(present.query),
            )
            return False
        await self._close(present)
        follower.comes_back = True
        self._stream = follower
        if self._is_paused:
            follower.pauseProducing()
        heir.take_over()
        return True

    def _goes_on(self, present: CaptureStream[StreamQuery]) -> bool:
        """
        Return whether the present stream is kept without asking for the wanted one, as X has
        refused that.  It comes back when it ends, but for a sample: that is nobody's then.
        """
        if self._put_off.query is None or (present.query.is_sample and not present.connected):
            return False
        if self._put_off.is_due and present.connected and not self._is_paused:
            return False
        self._put_off.wait()
        return True
