"""
What is to be done with a disk, step by step: until nothing is due, or the disk refuses or does not
answer; then it is tried again.

Knows who waits for that, and who is told; does not know what a step does.
"""

from collections.abc import Awaitable, Callable

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger

from tcclient.runtime.failures import explain_os
from tcclient.runtime.timers import Timers
from tcclient.storage.bookkeeper import RETRY, Bookkeeper
from tcclient.storage.diskuse import Place
from tcclient.storage.lane import PATIENCE, Lane
from tcclient.storage.pausing import Pausing
from tcclient.storage.syncing import Syncing

log = Logger()


class DiskWork:
    """
    The work with one capture's files.  `step` does the next thing that is due, and returns False
    where nothing is; it raises OSError where the disk refuses.  `owner` hears of that, and pauses
    the posts meanwhile; `rest` is called when all is done.  What is done with files goes by
    `writing`, one at a time, and syncs by `syncing`.
    """

    def __init__(
        self,
        place: Place,
        owner: Bookkeeper,
        step: Callable[[], Awaitable[bool]],
        rest: Callable[[], object],
    ) -> None:
        self._timers = Timers(place.clock)
        self._step = step
        self._rest = rest
        self._working = False
        self._finishing: list[Deferred[None]] = []
        self._awaiting: list[Deferred[None]] = []
        self.writing = Lane(place.use.writing, place.clock, self._speed_changed)
        self.syncing = Syncing(place.use.threads, place.clock, self._speed_changed)
        self.pausing = Pausing(owner)
        self.is_given_up = False

    @property
    def is_finishing(self) -> bool:
        """Whether somebody waits for all to be finished."""
        return bool(self._finishing)

    @property
    def is_awaited(self) -> bool:
        """Whether somebody waits for what there is, to be written or finished."""
        return bool(self._finishing or self._awaiting)

    def go_on(self) -> None:
        """Do what is due, unless that is under way."""
        if not self._working and not self.is_given_up:
            working = Deferred.fromCoroutine(self._work())
            working.addErrback(lambda failure: log.failure("Posts could not be written.", failure))

    def finished(self) -> Deferred[None]:
        """Fire when all is finished; if the disk refuses, when it has recovered."""
        return self._once_done(self._finishing)

    def written(self) -> Deferred[None]:
        """Fire when nothing is due, or the disk refuses it or does not answer."""
        return self._once_done(self._awaiting)

    def _once_done(self, waiting: list[Deferred[None]]) -> Deferred[None]:
        """Return a Deferred that waits among others; it has fired where all has been given up."""
        if self.is_given_up:
            return succeed(None)
        one: Deferred[None] = Deferred(waiting.remove)
        waiting.append(one)
        self.go_on()
        return one

    def give_up(self) -> None:
        """Do nothing more, as the process ends; who waits for that need not."""
        self.is_given_up = True
        self._timers.stop("retry")
        _fire(self._finishing)
        _fire(self._awaiting)

    def refused(self, error: OSError) -> None:
        """Take note that the disk has refused something, and try again in a while."""
        if not self.is_given_up:
            self._timers.start("retry", RETRY, self.go_on)
            self.pausing.refused(explain_os(error))
            _fire(self._awaiting)

    async def _work(self) -> None:
        self._working = True
        refusal: OSError | None = None
        try:
            while not self.is_given_up and await self._step():
                pass
        except OSError as e:
            refusal = e
        finally:
            self._working = False
        if refusal is not None:
            self.refused(refusal)
        elif self._is_slow:
            self._timers.start("retry", RETRY, self.go_on)
        elif not self.is_given_up:
            self._timers.stop("retry")
            self.pausing.taken()
            self._rest()
            _fire(self._finishing)
            _fire(self._awaiting)

    @property
    def _is_slow(self) -> bool:
        return self.writing.is_slow or self.syncing.is_slow

    def _speed_changed(self) -> None:
        if self._is_slow:
            self.refused(OSError(f"it has not answered for {PATIENCE:g} s"))
        else:
            self.go_on()


def _fire(waiting: list[Deferred[None]]) -> None:
    """Fire all of the list, which is empty then."""
    fired = list(waiting)
    waiting.clear()
    for one in fired:
        one.callback(None)
