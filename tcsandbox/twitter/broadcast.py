"""
One open stream: what it has been sent and what it is still owed.

Knows pace, back-pressure, keep-alives and the two limit counters; the bytes go out by its Wire.
"""

from collections.abc import Sequence
from typing import Protocol

import attrs
from twisted.internet.interfaces import IPushProducer, IReactorTime
from zope.interface import implementer

from tcsandbox.twitter import notices
from tcsandbox.twitter.filters import Filter
from tcsandbox.twitter.journal import Journal
from tcsandbox.twitter.posts import encode, unescape
from tcsandbox.twitter.wire import Wire
from tcsandbox.twitter.writing import Json

KEEP_ALIVE = b"\r\n"
BATCH = 500  # posts handed over before looking whether the transport has had enough
WARN_AT = 0.6  # of the backlog, as Twitter's own message says


class PostSource(Protocol):
    """Where posts come from."""

    def take(self, count: int, now: float) -> tuple[list[bytes], Sequence[object]]:
        """
        At most `count` posts of the Unix time `now`, each ending in CRLF, and what the journal
        says of each: its id at least.
        """
        ...


@attrs.frozen
class StreamTerms:
    """What a client asked for and who it is; `account` is its access token."""

    number: int  # of the connect, counted from 1
    endpoint: str
    peer: str  # host:port
    account: str
    wanted: Filter
    delimited: bool = False
    stall_warnings: bool = False


@implementer(IPushProducer)
@attrs.define(eq=False)
class Stream:
    """
    An accepted stream.  `backlog` posts may be owed to a slow reader before it is cut off;
    `keep_alive` is the seconds between blank lines.  `rivals` are other streams of the account, to
    which those of its posts go that they match as well.
    """

    terms: StreamTerms
    wire: Wire
    keep_alive: float
    backlog: int
    _clock: IReactorTime
    _posts: PostSource
    _journal: Journal | None = None
    sent: int = 0
    rivals: tuple["Stream", ...] = ()
    silent: bool = False  # a stall: nothing is sent but what a fault or say() puts there
    _owed: int = 0
    _paused: bool = False
    _warned: bool = False
    _missed: list[int] = attrs.Factory(lambda: [0, 0])
    since: float = attrs.field(init=False)
    _keep_alive_at: float = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.since = self._clock.seconds()
        self._keep_alive_at = self.since + self.keep_alive

    def tick(self, due: int) -> None:
        """`due` more posts are to be sent; send what the client can take, and a keep-alive."""
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
        """So many posts are to be sent besides those that come with time."""
        self._owed += posts

    def milliseconds(self) -> int:
        """Unix time in milliseconds."""
        return int(self._clock.seconds() * 1000)

    def say(self, data: bytes) -> None:
        """Send `data` as it stands."""
        self.wire.send(data)

    def tell(self, message: Json) -> None:
        """Send a message that is no post."""
        self.wire.send(self._framed([encode(message)]))

    def miss(self, posts: int) -> None:
        """Send a limit notice; two counters take turns, each cumulative since the connect."""
        self._missed[0] += posts
        self.tell(notices.limit(self._missed[0], self.milliseconds()))
        self._missed.reverse()

    def recover(self) -> None:
        """Undo what faults left: a stall, a trickle, odd chunks."""
        self.silent = False
        self.wire.trickle(0)
        self.wire.split = "off"

    def state(self) -> Json:
        """What this stream is, ready for JSON."""
        return {
            "number": self.terms.number,
            "peer": self.terms.peer,
            "endpoint": self.terms.endpoint,
            "track": list(self.terms.wanted.track),
            "locations": [list(attrs.astuple(box)) for box in self.terms.wanted.locations],
            "since": self.since,
            "posts": self.sent,
        }

    def draw_post(self) -> tuple[bytes, object]:
        """A post that is not sent, with CRLF, and what the journal would say of it."""
        posts, notes = self._posts.take(1, self._clock.seconds())
        return posts[0], notes[0]

    def send_posts(self, posts: list[bytes], notes: Sequence[object]) -> None:
        """Send posts now, whatever the pace, and note them; rivals get theirs."""
        self._send(posts, notes)
        for rival in self.rivals:
            rival.send_matching(posts, notes)

    def send_matching(self, posts: list[bytes], notes: Sequence[object]) -> None:
        """Send those of a rival's posts that match what was asked for here."""
        if not self.wire.closed and not self.silent:
            pairs = zip(posts, notes, strict=True)
            mine = [(post, note) for post, note in pairs if self.terms.wanted.matches(post)]
            self._send([post for post, _ in mine], [note for _, note in mine])

    def _send(self, posts: list[bytes], notes: Sequence[object]) -> None:
        if self.wire.split == "utf8":
            posts = [unescape(post) for post in posts]
        self.wire.send(self._framed(posts))
        self.sent += len(posts)
        if self._journal is not None:
            self._journal.note(self.terms.number, notes)

    def warn(self, percent_full: int) -> None:
        """The client falls behind."""
        if self.terms.stall_warnings:
            self.tell(notices.falling_behind(percent_full))

    def cut_off(self) -> None:
        """The client has fallen behind too far."""
        self.tell(notices.disconnect(4, self.terms.endpoint))
        self.wire.hang_up()

    def pauseProducing(self) -> None:
        """The transport holds as much as it wants."""
        self._paused = True

    def resumeProducing(self) -> None:
        """The transport is empty."""
        self._paused = False
        if not self.silent:
            self._deliver()

    def stopProducing(self) -> None:
        """The transport is going away; the Wire hears of it as well."""
        self._paused = True

    def _held(self) -> bool:
        return self._paused or self.wire.dripping or self.wire.closed

    def _deliver(self) -> None:
        while self._owed and not self._held():
            count = 1 if self.wire.trickling else min(self._owed, BATCH)
            self._owed -= count
            self.send_posts(*self._posts.take(count, self._clock.seconds()))

    def _judge(self) -> None:
        if self._owed >= self.backlog:
            self.cut_off()
        elif self._owed >= WARN_AT * self.backlog and not self._warned:
            self._warned = True
            self.warn(100 * self._owed // self.backlog)
        elif not self._owed:
            self._warned = False

    def _framed(self, messages: list[bytes]) -> bytes:
        if self.terms.delimited:
            messages = [b"%d\n%b" % (len(message), message) for message in messages]
        return b"".join(messages)
