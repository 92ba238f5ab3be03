"""
Which captures have got a post of the shared stream already, for a while after a connection is made.

Knows posts by their ids, and captures by their jobs; opens no stream.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from twisted.internet.defer import Deferred, gatherResults, succeed
from twisted.internet.interfaces import IReactorTime

from tcclient.ledger.entries import Entry
from tcclient.sources.again import MOST_BYTES, MOST_IDS, WINDOW, Again
from tcclient.sources.twitter_v2.envelopes import Post
from tcclient.storage.archive import Archive

BACKFILL_WINDOW = 300.0
"""Seconds after the first byte in which posts of a backfill may come: as many as X has at most."""
BACKFILL_BYTES = 512 << 20
"""
Most bytes of each capture's posts that are looked through before a backfill: some 130,000 posts of
4 kB.  As minutes are rounded up, X repeats a minute of posts, for which that is enough up to some
2,000 posts a second.
"""
BACKFILL_IDS = 500_000
"""How many ids are remembered then: those of five minutes at 1,600 posts a second."""


class Repeats:
    """
    Knows for each capture which posts come again.  What it has to say is given to `note`, with the
    capture's job, and to `note_nobodys` where posts were for no capture.  Those are in no file:
    they are remembered only if there may be a `backfill`, which brings most of them again.
    """

    def __init__(
        self,
        note: Callable[[int, Entry], None],
        note_nobodys: Callable[[Entry], None],
        clock: IReactorTime,
        *,
        keeps: bool,
        backfill: bool,
    ) -> None:
        self._note = note
        self._clock = clock
        self._keeps = keeps
        self._by_job: dict[int, Again] = {}
        self._watched: dict[int, Again] = {}
        self._minutes = 0
        self._until = 0.0
        self._nobodys = Again(note_nobodys, clock, most=BACKFILL_IDS)
        if backfill:
            self._nobodys.begin(remembers=True)

    def begin(self, captures: Iterable[Archive], minutes: int) -> Deferred[None]:
        """
        Expect posts that these captures have stored, over a connection that is not read yet, with
        so many `minutes` of backfill.  Fires when it is known which these are.
        """
        self.say()
        self._by_job, self._minutes, self._until = {}, minutes, math.inf
        reading = [self.join(capture) for capture in captures]
        return gatherResults(reading, consumeErrors=True).addCallback(lambda _: None)

    def join(self, capture: Archive) -> Deferred[None]:
        """Expect posts of one more capture, if posts may come again now.  Fires as begin() does."""
        left = self._until - self._clock.seconds()
        if left <= 0:
            return succeed(None)
        most, most_bytes = MOST_IDS, MOST_BYTES
        if self._minutes:
            most, most_bytes = BACKFILL_IDS, BACKFILL_BYTES
        note = partial(self._note, capture.job_id)
        again = Again(note, self._clock, keeps=self._keeps, most=most)
        again.lasts(left, remembers=self._minutes > 0)
        self._by_job[capture.job_id] = again
        return again.recall(capture, most_bytes)

    def leave(self, job_id: int) -> None:
        """Note how many posts of a capture have come again; it wants no more."""
        again = self._by_job.pop(job_id, None)
        if again is not None:
            again.say()

    def heard(self) -> None:
        """Let the time in which posts may come again end a while after the first byte, which is."""
        seconds = BACKFILL_WINDOW if self._minutes else WINDOW
        self._until = self._clock.seconds() + seconds
        for again in self._by_job.values():
            again.lasts(seconds, remembers=self._minutes > 0)

    def look(self) -> None:
        """See whose posts may come again in this read."""
        if self._by_job:
            self._watched = {job: again for job, again in self._by_job.items() if again.watches()}
            if self._clock.seconds() >= self._until:
                self._by_job = {}

    @property
    def are_awaited(self) -> bool:
        """Whether posts that captures have may come again in this read."""
        return bool(self._watched)

    def who_lacks(self, post: Post, job_ids: Sequence[int]) -> Sequence[int] | None:
        """
        Return those of the jobs that are to get the post; None where it is nothing new, as all of
        them have it, or it was for nobody before.  Called once for each post that comes.
        """
        if not job_ids:
            post_id = post.id if self._nobodys.watches() else None
            return job_ids if self._nobodys.is_wanted(post_id) else None
        watched = self._watched
        if not watched:
            return job_ids
        post_id = post.id or None
        lacking = [job for job in job_ids if job not in watched or watched[job].is_wanted(post_id)]
        return lacking or None

    def say(self) -> None:
        """Note how many posts have come again since the last time, if any have."""
        for again in (*self._by_job.values(), self._nobodys):
            again.say()
