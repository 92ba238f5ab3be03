"""
Asking X for what was missed: how many minutes, and which posts have been stored already.

X gives backfill on its Enterprise plan only, up to five minutes of it, and does not remove what
was delivered before (its page "Recovery and redundancy").  Opens nothing.
"""

import math
from collections.abc import Sequence
from typing import Protocol, TypeVar

from twisted.internet.defer import Deferred, DeferredLock
from twisted.logger import Logger

from tcclient.sources.recent import Recent

log = Logger()

MOST_MINUTES = 5
LATE = 60.0
"""Seconds after which a post that is sent at all has been sent, but for one in a hundred."""
MOST_IDS = 500_000
"""Ids that are remembered at the most: five minutes at 1,600 posts a second."""


class Taker(Protocol):
    """Whom posts are for."""

    job_id: int


class Left(Taker, Protocol):
    """A capture, as an earlier process may have left it."""

    @property
    def missed(self) -> float | None:
        """For how many seconds posts have been missed that X would have sent; None for none."""

    def newest_ids(self, seconds: float) -> Deferred[list[str]]:
        """
        Fires with the ids of the posts that were made in so many seconds before the newest one that
        is stored, the newest last; of very many only with the newest.
        """


T = TypeVar("T", bound=Taker)


class Backfill:
    """
    What is known of one stream's last minutes; `wanted` is the setting.  `asked` is how many of
    them the connection that there is was asked for, None where for none; `again` counts posts that
    had come before.

    What an earlier process has stored is remembered for each job: killed between two files, it has
    left a post in one of them.  That goes back as far as X does, but for no more than the newest
    512 MB of a capture's posts and MOST_IDS in all; what is older, and comes again, is stored
    twice.  As minutes are rounded up X sends a minute of it again, so that this takes some 2,000
    posts of 4 kB a second.
    """

    def __init__(self, wanted: bool) -> None:
        self.asked: int | None = None
        self.again = 0
        self._wanted = wanted
        self._missing_since: float | None = None
        self._recent = Recent(MOST_IDS)
        self._reading = DeferredLock()

    def resume(self, left: Left, now: float) -> None:
        """A capture goes on, of which an earlier process may have missed something."""
        missed = left.missed
        if self._wanted and missed is not None:
            known = now if self._missing_since is None else self._missing_since
            self._missing_since = min(now - missed, known)
            reading: Deferred[None] = self._reading.run(self._read, left)
            reading.addErrback(lambda failure: log.failure("What was stored is unknown.", failure))

    def heard(self, now: float) -> None:
        """Something came at `now` (epoch seconds)."""
        self._missing_since = now

    def closed(self) -> None:
        """The stream was closed on purpose: what comes until it is opened again is not missed."""
        self._missing_since = None

    def refused(self) -> None:
        """X does not give it to this app: it is not asked for again."""
        self._wanted = False
        self._recent.forget()

    def minutes(self, now: float) -> int:
        """How many minutes to ask for; 0 where nothing is missed, or it is not wanted."""
        if not self._wanted or self._missing_since is None:
            return 0
        return min(max(math.ceil((now - self._missing_since) / 60), 1), MOST_MINUTES)

    def when_recalled(self) -> Deferred[None]:
        """Fires when it is known what earlier processes have stored of what X may send again."""
        return self._reading.run(lambda: None)

    def who_lacks(self, post_id: str, takers: Sequence[T]) -> Sequence[T] | None:
        """
        Those of `takers` that have not got the post; None where it has come before.  Asked once for
        each post that comes.
        """
        if not self._wanted:
            return takers
        lacking = [taker for taker in takers if _stored(taker, post_id) not in self._recent]
        if self._recent.is_new(post_id) and (lacking or not takers):
            return lacking
        self.again += 1
        return None

    async def _read(self, left: Left) -> None:
        for post_id in await left.newest_ids(MOST_MINUTES * 60 + LATE):
            self._recent.is_new(_stored(left, post_id))


def _stored(taker: Taker, post_id: str) -> str:
    return f"{taker.job_id} {post_id}"
