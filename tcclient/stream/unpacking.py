"""
Passes on the messages of what was read, and lets the reactor turn where a body inflates to many.

Knows pieces and turns; does not know what a message means, nor the connection.
"""

import zlib
from collections import deque
from collections.abc import Callable, Iterator

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from tcclient.http.gunzip import Gunzip
from tcclient.ledger.endings import Ending
from tcclient.runtime.backoff import Trouble
from tcclient.stream.fastpath.chunks import Pieces
from tcclient.stream.framing import Overlong, Splitter

MOST_INFLATED = 1 << 18
"""
Bytes of an inflated body after which the reactor has its turn: 64 kB, which one read brings, may
inflate to 64 MB.
"""

log = Logger()


class Unpacking:
    """
    Cuts a body into messages, which `decoder` inflates unless it is plain, some in each turn of the
    reactor, which is `clock`.
    """

    def __init__(self, decoder: Gunzip | None, clock: IReactorTime) -> None:
        self._decoder = decoder
        self._clock = clock
        self._splitter = Splitter()
        self._left: deque[Iterator[tuple[int, list[bytes | Overlong]]]] = deque()
        self._is_due = False

    @property
    def incomplete(self) -> int:
        """Bytes that have come of a message that has not ended."""
        return self._splitter.incomplete

    @property
    def is_busy(self) -> bool:
        """Whether not all that was taken has been passed on."""
        return bool(self._left)

    def take(self, pieces: Pieces) -> Iterator[list[bytes | Overlong]]:
        """Take these, and return what turn() does; nothing where a turn is planned."""
        self._left.append(self._messages(pieces))
        return iter(()) if self._is_due else self.turn()

    def turn(self) -> Iterator[list[bytes | Overlong]]:
        """Yield the messages that come next, in order, for one turn.  Raises zlib.error."""
        size = 0
        while self._left and size < MOST_INFLATED:
            inflated, messages = next(self._left[0], (0, None))
            size += inflated
            if messages is None:
                self._left.popleft()
            elif messages:
                yield messages

    def plan(self, turn: Callable[[], object]) -> None:
        """Have `turn` called in the next turn, which is to take what turn() returns then."""

        def begin() -> None:
            self._is_due = False
            turn()

        if not self._is_due:
            self._is_due = True
            self._clock.callLater(0, begin)

    def give_up(self, failure: Failure) -> Ending:
        """Drop what has not been passed on, and return why the connection ends."""
        self._left.clear()
        return _ending_of(failure)

    def _messages(self, pieces: Pieces) -> Iterator[tuple[int, list[bytes | Overlong]]]:
        """
        Yield the messages that are complete with each piece, none too, and how many bytes it
        inflated to.  Raises zlib.error.
        """
        if self._decoder is None:
            yield 0, self._splitter.feed_all(pieces)
            return
        for plain in self._decoder.feed(b"".join(pieces)):
            yield len(plain), self._splitter.feed(plain)


def _ending_of(failure: Failure) -> Ending:
    """
    Return why a connection ends of which something cannot be passed on.  Its caller would drop it,
    or take the answer for one that cannot be read, and the ledger would not have the reason.
    """
    if failure.check(zlib.error):
        return Ending("corrupt", f"the compressed stream is corrupt: {failure.value}")
    log.failure("This client failed at what the stream brought.", failure)
    return Ending("failed", "this client failed at what came", Trouble.HTTP)
