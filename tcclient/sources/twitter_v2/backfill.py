"""
Backfill: how many missed minutes to ask X for, and which of their posts have been stored already.

X gives backfill on its Enterprise plan only, up to five minutes of it, and does not remove what was
delivered before (its page "Recovery and redundancy").  Knows times and ids; opens no stream.
"""

import math
from collections.abc import Sequence

from twisted.internet.defer import Deferred, DeferredLock
from twisted.logger import Logger

from tcclient.sources.recent import Recent
from tcclient.storage.archive import StoredCapture

log = Logger()

MOST_MINUTES = 5
"""How many minutes X gives at most."""
LATE = 60.0
"""Seconds after it was made in which X sends a post, in ninety-nine cases of a hundred."""
MOST_IDS = 500_000
"""How many ids are remembered: those of five minutes at 1,600 posts a second."""


class Backfill:
    """
    What is known of the last minutes of one stream; `wanted` is the setting.  `asked` is how many
    minutes the present connection was opened with, None for none; `again` counts posts that had
    come before.

    The posts that an earlier process has stored are remembered for each job: a process that was
    killed between two files has stored a post in one of them only.  The memory goes back as far as
    X does, but holds no more than the newest 512 MB of a capture's posts and MOST_IDS ids in all;
    an older post that comes again is stored twice.  As minutes are rounded up, X repeats a minute
    of posts, for which the memory is large enough up to some 2,000 posts of 4 kB a second.
    """

    def __init__(self, wanted: bool) -> None:
        self.asked: int | None = None
        self.again = 0
        self._wanted = wanted
        self._missing_since: float | None = None
        self._recent = Recent(MOST_IDS)
        self._reading = DeferredLock()

    def resume(self, capture: StoredCapture, now: float) -> None:
        """Take up a capture of which an earlier process may have missed posts; `now` in seconds."""
        missed = capture.missed
        if self._wanted and missed is not None:
            known = now if self._missing_since is None else self._missing_since
            self._missing_since = min(now - missed, known)
            reading: Deferred[None] = self._reading.run(self._read, capture)
            reading.addErrback(lambda failure: log.failure("What was stored is unknown.", failure))

    def heard(self, now: float) -> None:
        """Note that something came at `now`, in seconds."""
        self._missing_since = now

    def slept(self, seconds: float) -> None:
        """Note that the machine slept: so much more is missed than the clock of `now` says."""
        if self._missing_since is not None:
            self._missing_since -= seconds

    def closed(self) -> None:
        """Note that the stream was closed on purpose: nothing is missed until it opens again."""
        self._missing_since = None

    def refused(self) -> None:
        """Never ask again: X does not give backfill to this app."""
        self._wanted = False
        self._recent.forget()

    def minutes(self, now: float) -> int:
        """Return the minutes to ask for; 0 where nothing is missed, or backfill not wanted."""
        if not self._wanted or self._missing_since is None:
            return 0
        return min(max(math.ceil((now - self._missing_since) / 60), 1), MOST_MINUTES)

    def when_recalled(self) -> Deferred[None]:
        """Fires when the ids of the posts that earlier processes have stored are known."""
        return self._reading.run(lambda: None)

    def who_lacks(self, post_id: str, job_ids: Sequence[int]) -> Sequence[int] | None:
        """
        Return those of the jobs that have not got the post; None where it has come before, over
        this stream or because all of them have stored it.  Called once for each post that comes.
        """
        if not self._wanted:
            return job_ids
        lacking = [job_id for job_id in job_ids if _stored(job_id, post_id) not in self._recent]
        if self._recent.is_new(post_id) and (lacking or not job_ids):
            return lacking
        self.again += 1
        return None

    async def _read(self, capture: StoredCapture) -> None:
        """Remember which of the posts that X may send again the capture has stored."""
        for post_id in await capture.newest_ids(MOST_MINUTES * 60 + LATE):
            self._recent.is_new(_stored(capture.job_id, post_id))


def _stored(job_id: int, post_id: str) -> str:
    """Return what is remembered of a post that a capture has got."""
    return f"{job_id} {post_id}"
