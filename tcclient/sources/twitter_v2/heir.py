"""
Who hears from a stream that is opened while another one is still read.

Knows the order of the two: the listener hears of the second only what comes after the first.
"""

from twisted.internet.defer import Deferred

from tcclient.ledger.endings import Ending
from tcclient.sources.twitter_v2.api import StreamQuery
from tcclient.stream.framing import Overlong
from tcclient.stream.streamapi import StreamListener


class Heir(StreamListener):
    """
    Stands in front of `listener`.  `answer` fires with whether X has opened the stream for `query`,
    of which nothing is read before take_over(); where it has not, the listener hears nothing, and
    `ending` says why, if X or the network has.
    """

    def __init__(self, listener: StreamListener, query: StreamQuery) -> None:
        self.query = query
        self.answer: Deferred[bool] = Deferred()
        self.ending: Ending | None = None
        self._listener = listener
        self._turn: Deferred[None] = Deferred()
        self._has_answered = False

    def give_up(self) -> None:
        """Let the answer be that it was not opened, unless there is one."""
        if not self.answer.called:
            self.answer.callback(False)

    def take_over(self) -> None:
        """Have the stream read, and the listener hear of it."""
        self._turn.callback(None)

    def answered(self) -> Deferred[None]:
        """Note that X has opened it.  Fires when it may be read."""
        if self._has_answered:  # another connection, long after the first
            return self._listener.answered()
        self._has_answered = not self.answer.called
        if self._has_answered:
            self.answer.callback(True)
        return self._turn.addCallback(lambda _: self._listener.answered())

    def opened(self) -> None:
        self._listener.opened()

    def heard(self) -> None:
        self._listener.heard()

    def received(self, messages: list[bytes | Overlong]) -> None:
        self._listener.received(messages)

    def ended(self, ending: Ending) -> None:
        """Pass it on, if the listener has heard of the stream."""
        if self._has_answered:
            self._listener.ended(ending)
        else:
            self.ending = ending
            self.give_up()
