"""
One open stream: what it has been sent and what it is still owed.

Knows pace, back-pressure and keep-alives; the bytes go out by its Wire.  Each API says in a
subclass how it writes messages and what it tells a slow reader.
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from typing import Protocol

import attrs
from twisted.internet.interfaces import IPushProducer, IReactorTime
from zope.interface import implementer

from tcsandbox.twitter.common.journal import Journal
from tcsandbox.twitter.common.text import Json, unescape
from tcsandbox.twitter.common.wire import Wire

KEEP_ALIVE = b"\r\n"
BATCH = 500  # posts handed over before looking whether the transport has had enough
WARN_AT = 0.6  # of the backlog, as Twitter's own message says
REMEMBERED = 100  # posts that backfill or a `repeat` may send again

Sent = tuple[bytes, object]
"""A post and what the journal says of it."""


class PostSource(Protocol):
    """Where a stream's posts come from."""

    def take(self, count: int, now: float) -> tuple[list[bytes], Sequence[object]]:
        """
        Return at most `count` posts of the Unix time `now`, and a journal note for each.

        A post ends in CRLF; its note begins with its id.
        """
        ...


@attrs.define
class Attempt:
    """A request for a stream, counted from 1; `status` is 0 as long as it has no answer."""

    number: int
    time: float
    endpoint: str
    source: str  # the client's address
    peer: str  # the same with the port, host:port
    track: str
    locations: str
    status: int = 0


@implementer(IPushProducer)
@attrs.define(eq=False)
class Stream(ABC):
    """
    An accepted stream.

    A slow reader is cut off once it is owed `backlog` posts; `keep_alive` is the seconds between
    blank lines; `recent` are the posts that were sent last, here or on streams before it.
    """

    attempt: Attempt
    wire: Wire
    keep_alive: float
    backlog: int
    _clock: IReactorTime
    _posts: PostSource
    _journal: Journal | None = None
    recent: deque[Sent] = attrs.field(factory=lambda: deque(maxlen=REMEMBERED), kw_only=True)
    sent: int = 0
    silent: bool = False  # a stall: nothing is sent but what a fault or /sandbox/say puts there
    _owed: int = 0
    _paused: bool = False
    _warned: bool = False
    _missed: list[int] = attrs.Factory(lambda: [0, 0])
    since: float = attrs.field(init=False)
    _keep_alive_at: float = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.since = self._clock.seconds()
        self._keep_alive_at = self.since + self.keep_alive

    @abstractmethod
    def tell(self, message: Json) -> None:
        """Send a message that is no post, written as the API writes it."""

    def warn(self, percent_full: int) -> None:  # noqa: B027  # v2 does not warn
        """Tell the client that it falls behind, where the API does that."""

    @abstractmethod
    def cut_off(self) -> None:
        """Tell the client that it has fallen behind too far, and hang up."""

    def criteria(self) -> Json:
        """Return what the client asked for, where that is not said by an app's rules."""
        return {"track": [], "locations": []}

    def tick(self, due: int) -> None:
        """Owe the client `due` more posts; send what it can take, and a keep-alive when due."""
        if self.silent:
            return
        self._owed += due
        self._deliver()
        self._judge()
        now = self._clock.seconds()
        if now >= self._keep_alive_at:
            self._keep_alive_at = now + self.keep_alive
            if not self._held():
                self.wire.send(KEEP_ALIVE)

    def owe(self, posts: int) -> None:
        """Owe the client that many posts besides those that come with time."""
        self._owed += posts

    def milliseconds(self) -> int:
        """Return the Unix time in milliseconds."""
        return int(self._clock.seconds() * 1000)

    def count_missed(self, posts: int) -> int:
        """
        Count `posts` as undelivered and return the sum of the counter that took them.

        Two counters take turns, each cumulative since the connect, as in real limit notices.
        """
        self._missed.reverse()
        self._missed[1] += posts
        return self._missed[1]

    def recover(self) -> None:
        """Undo what faults left: a stall, a trickle, odd chunks."""
        self.silent = False
        self.wire.trickle(0)
        self.wire.split = "off"

    def state(self) -> Json:
        """Describe this stream, ready for JSON."""
        return {
            "number": self.attempt.number,
            "peer": self.attempt.peer,
            "endpoint": self.attempt.endpoint,
            **self.criteria(),
            "since": self.since,
            "posts": self.sent,
        }

    def draw_post(self) -> Sent:
        """Take a post from the source without sending it; return it and its journal note."""
        posts, notes = self._posts.take(1, self._clock.seconds())
        return posts[0], notes[0]

    def send_posts(self, posts: list[bytes], notes: Sequence[object]) -> None:
        """Send and remember `posts`, whatever the pace; write `notes` of each to the journal."""
        self.recent.extend(zip(posts, notes, strict=True))
        if self.wire.split == "utf8":
            posts = [unescape(post) for post in posts]
        self.wire.send(self.framed(posts))
        self.sent += len(posts)
        if self._journal is not None:
            self._journal.note(self.attempt.number, notes)

    def send_again(self, sent: list[Sent]) -> None:
        """Send and note posts once more."""
        self.send_posts([post for post, _ in sent], [note for _, note in sent])

    def framed(self, messages: list[bytes]) -> bytes:
        """Return `messages` as one piece of the body; here, simply joined."""
        return b"".join(messages)

    def pauseProducing(self) -> None:
        """Send no more posts: the transport holds as much as it wants."""
        self._paused = True

    def resumeProducing(self) -> None:
        """Send the posts that are owed: the transport is empty."""
        self._paused = False
        if not self.silent:
            self._deliver()

    def stopProducing(self) -> None:
        """Send no more posts: the transport is going away, of which the Wire hears as well."""
        self._paused = True

    def _held(self) -> bool:
        return self._paused or self.wire.dripping or self.wire.closed

    def _deliver(self) -> None:
        while self._owed and not self._held():
            count = 1 if self.wire.trickling else min(self._owed, BATCH)
            self._owed -= count
            self.send_posts(*self._posts.take(count, self._clock.seconds()))

    def _judge(self) -> None:
        """Warn a reader that is owed a lot, and cut off one that is owed too much."""
        if self._owed >= self.backlog:
            self.cut_off()
        elif self._owed >= WARN_AT * self.backlog and not self._warned:
            self._warned = True
            self.warn(100 * self._owed // self.backlog)
        elif not self._owed:
            self._warned = False
