"""
Shows the server the newest posts of captures while somebody looks at them there.

They are read from the file's end, so that posts cost nothing more for it, and what is shown has
been stored.  Knows when which are shown; does not know what a post says.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

from msgspec import Struct
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from tcclient.captures.capture import Capture
from tcclient.captures.vitals import Sides
from tcclient.control.reports import LOOKING, MOST_GLIMPSES, Glimpses
from tcclient.runtime.timers import Timers
from tcclient.runtime.unattended import unattended

log = Logger()

GLANCE = 5.0
"""Seconds between two looks at whether there are newer posts."""
MINUTE = 60.0
"""Seconds in which at most MOST_GLIMPSES posts are shown, and after which they are shown again."""
MOST_BYTES = 4 << 20
"""Bytes of posts that are read at once."""


class ShownPosts(Struct):
    """
    What whoever looks at a capture until `until` has been shown: the `posts`, and the number that
    was `counted` when the file was looked at last.  Pure: takes the time, in seconds.
    """

    until: float
    posts: list[bytes] = []
    counted: int | None = None
    _at: list[float] = []
    _told: float | None = None

    def is_due(self, counted: int, now: float) -> bool:
        """Return whether to look at the file, now that so many posts are counted."""
        return counted != self.counted or self._is_old(now)

    def take(self, newest: Sequence[bytes], counted: int, now: float) -> bool:
        """
        Show the newest posts, as far as there is room in the minute.  Return whether to tell them.
        """
        self._at = [at for at in self._at if now - at < MINUTE]
        fresh = [post for post in newest if post not in self.posts]
        some = fresh[max(0, len(fresh) - (MOST_GLIMPSES - len(self._at))) :]
        self.counted = counted if len(some) == len(fresh) else None
        self.posts = [*self.posts, *some][-MOST_GLIMPSES:]
        self._at += [now] * len(some)
        if some:
            self.forget()
        return self._is_old(now)

    def told(self, now: float) -> None:
        """Note that the server has them."""
        self._told = now

    def forget(self) -> None:
        """Note that the server may not have them."""
        self._told = None

    def _is_old(self, now: float) -> bool:
        if self._told is None:
            return bool(self.posts)
        return now - self._told >= MINUTE


class Glimpsing:
    """
    Shows posts of the `captures` that are looked at: `tell` returns whether the server has taken
    them.
    """

    def __init__(
        self,
        sides: Sides,
        captures: Mapping[int, Capture],
        tell: Callable[[Glimpses], Awaitable[bool]],
    ) -> None:
        self._clock = sides.folders.clock
        self._timers = Timers(self._clock)
        self._captures = captures
        self._source = sides.source
        self._tell = tell
        self._shown: dict[int, ShownPosts] = {}
        self._glancing: Deferred[None] | None = None

    def look(self, jobs: Collection[int]) -> None:
        """Show the posts of these jobs, of those that are captured here, for LOOKING seconds."""
        until = self._clock.seconds() + LOOKING
        for job in jobs:
            if job in self._captures:
                self._shown.setdefault(job, ShownPosts(until)).until = until
        if self._shown and self._glancing is None:
            self._timers.start("glance", 0.0, self._begin)

    def forget(self) -> None:
        """Have all be shown again: the server may not have them."""
        for shown in self._shown.values():
            shown.forget()

    def stop(self) -> None:
        """Show nothing more."""
        self._shown.clear()
        self._timers.stop("glance")
        if self._glancing is not None:
            self._glancing.cancel()

    def _begin(self) -> None:
        self._glancing = unattended(self._glance(), log, "Posts could not be shown.")
        self._glancing.addCallback(self._glanced)

    def _glanced(self, _: object) -> None:
        self._glancing = None
        if self._shown:
            self._timers.start("glance", GLANCE, self._begin)

    async def _glance(self) -> None:
        """Show what is new of the captures that are still looked at."""
        for job, shown in list(self._shown.items()):
            now = self._clock.seconds()
            capture = self._captures.get(job)
            if capture is None or now >= shown.until:
                self._shown.pop(job, None)
                continue
            archive = capture.session.archive
            if archive is None or not shown.is_due(archive.tally.posts, now):
                continue
            counted = archive.tally.posts
            newest = await archive.newest_posts(MOST_GLIMPSES, MOST_BYTES)
            if shown.take(newest, counted, now):
                posts = tuple(map(self._source.glimpse, shown.posts))
                if await self._tell(Glimpses(job, posts)):
                    shown.told(now)
