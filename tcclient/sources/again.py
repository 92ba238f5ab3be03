"""
Which posts of a capture come again: over a new connection, or over two streams at the same time.

Whoever has lost a connection may send its last posts once more over the next one.  So before one
is read, the ids of what was stored last are read from the ends of the files, whichever process has
written them, and what comes is compared with them for a while.  As long as a connection lasts
nothing is remembered or looked at.  A post is known by its id, not by its bytes: of the same post
the second copy differs in its counters, its rules or its `timestamp_ms`.

Knows ids; does not know where a post has its id, nor what a connection is.
"""

import math
from collections import deque
from collections.abc import Callable, Iterable

from twisted.internet.defer import CancelledError, Deferred, TimeoutError
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from tcclient.ledger.entries import DeliveredAgain
from tcclient.storage.archive import Archive

log = Logger()

WINDOW = 60.0
"""Seconds in which a post may come again, from the first byte of the only connection on."""
BACK = 360.0
"""
How old posts may be that are looked for, in seconds: made so long before the newest stored one.
X sends those of five minutes again, and one in a hundred posts is later than a minute.
"""
MOST_BYTES = 16 << 20
"""Most bytes of posts that are looked through: some 5,000, a second of the fastest stream."""
MOST_IDS = 50_000
"""How many ids are remembered, in some 6 MB: those of ten seconds at 5,000 posts a second."""
PATIENCE = 10.0
"""Seconds in which a disk has to tell what is stored; without that what comes again is stored."""


class Recent:
    """Remembers the latest ids, `most` of them."""

    def __init__(self, most: int = MOST_IDS) -> None:
        self._most = most
        self._seen: set[str] = set()
        self._order: deque[str] = deque()

    def is_new(self, post_id: str) -> bool:
        """Return whether the post, which has just come, is new, and remember it."""
        if post_id in self._seen:
            return False
        self._seen.add(post_id)
        self._order.append(post_id)
        if len(self._order) > self._most:
            self._seen.discard(self._order.popleft())
        return True

    def __contains__(self, post_id: str) -> bool:
        return post_id in self._seen

    def __len__(self) -> int:
        return len(self._seen)

    def forget(self) -> None:
        """Forget all ids."""
        self._seen.clear()
        self._order.clear()


class Again:
    """
    Tells which posts of one capture come again.  `tell` is given a line for the ledger that says
    how many did; with `keeps` they are stored all the same.  `most` ids are remembered.
    """

    def __init__(
        self,
        tell: Callable[[DeliveredAgain], object],
        clock: IReactorTime,
        *,
        keeps: bool = False,
        most: int = MOST_IDS,
    ) -> None:
        self._tell = tell
        self._clock = clock
        self._keeps = keeps
        self._recent = Recent(most)
        self._remembers = False
        self._until = 0.0
        self._posts = 0

    def begin(self, *, remembers: bool) -> None:
        """
        Compare what comes from now on with what recall() finds; and, if it `remembers`, with what
        has come since, as over two streams, or where missed posts are sent with the present ones.
        """
        self._until = math.inf
        self._remembers = remembers

    def recall(self, capture: Archive, most_bytes: int = MOST_BYTES) -> Deferred[None]:
        """
        Find out which posts were stored last, of `most_bytes` the newest.  Fires when that is
        known, or cannot be known; fails only if it is cancelled.
        """
        reading = capture.newest_ids(BACK, most_bytes)
        reading.addTimeout(PATIENCE, self._clock)
        return reading.addCallbacks(self._remember, _unknown)

    def lasts(self, seconds: float = WINDOW, *, remembers: bool = False) -> None:
        """Compare for so many seconds from now; remember what comes only if it `remembers`."""
        self._until = self._clock.seconds() + seconds
        self._remembers = remembers

    def watches(self) -> bool:
        """Return whether a post may come again now; when none may any more, all is forgotten."""
        if not self._until:
            return False
        if self._clock.seconds() < self._until:
            return self._remembers or len(self._recent) > 0
        self._until = 0.0
        self._recent.forget()
        self.say()
        return False

    def is_wanted(self, post_id: str | None) -> bool:
        """Return whether to store a post that has just come; None where its id is not known."""
        if post_id is None:
            return True
        is_new = self._recent.is_new(post_id) if self._remembers else post_id not in self._recent
        self._posts += not is_new
        return is_new or self._keeps

    def say(self) -> None:
        """Tell how many posts have come again since the last time, if any have."""
        posts, self._posts = self._posts, 0
        if posts:
            self._tell(DeliveredAgain(posts=posts, kept=self._keeps))

    def _remember(self, ids: Iterable[str]) -> None:
        for post_id in ids:
            self._recent.is_new(post_id)


def _unknown(failure: Failure) -> Failure | None:
    if failure.check(CancelledError):
        return failure
    if failure.check(TimeoutError):
        log.warn(
            "The disk does not tell within {s:g} s which posts are stored: some may come twice.",
            s=PATIENCE,
        )
        return None
    log.failure("It is not known which posts are stored: some may be stored twice.", failure)
    return None
