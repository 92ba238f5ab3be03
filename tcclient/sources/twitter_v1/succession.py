"""
The state machine of a take-over on v1.1: which of a capture's two streams counts.

    none --begin--> alone --begin--> trying --newest_heard--> taken
     ^ ^              | ^ ^ ^          | ^ | ^                 | | |
     | +-newest_gone--+ | | +----f-----+ | | +--newest_ended---+ | |
     |                  | +------f-------|-|---------------------+ |
     |               go_back         begin newest_gone             |
     |                  |                | v                       |
     +---------f--------+------------- given_up <---newest_gone----+

`f` stands for `former_ended` and `former_gone`.  In `alone` there is one stream, the newest.  In
`trying` the former counts, as the newest is not heard yet, or not any more; in `taken` the newest
counts, and the former is read for a while.  In `given_up` there is the former only.

Knows in which order two streams begin and end, and how long both are read; opens none, and knows no
posts.
"""

from collections.abc import Callable
from typing import Protocol

from automat import TypeMachineBuilder
from msgspec import Struct, structs
from twisted.internet.interfaces import IReactorTime

from tcclient.ledger.endings import REKEYED, Ending
from tcclient.ledger.gaps import IN_FLIGHT
from tcclient.runtime.timers import Timers
from tcclient.runtime.unheeded import unheeded
from tcclient.sources.twitter_v1.api import DUPLICATE
from tcclient.sources.twitter_v1.keywordstream import KeywordStream

OVERLAP = 5.0
"""
Seconds for which the old stream is read beside the new one.
"""
MOST_IN_VAIN = 3
"""
How often Twitter may call the new stream one too many.  Then the old stream, which is in its way,
is ended.
"""
AHEAD = 1.0
"""Seconds before the new stream's next attempt at which the old one is ended then."""


class TakeOverListener(Protocol):
    """What the streams of a capture, taken together, report to."""

    def opened(self, stream: KeywordStream) -> None:
        """Called when the answer to a stream's request is 200."""

    def heard(self, stream: KeywordStream) -> None:
        """Called when posts come for the stream's keywords from now on."""

    def ended(self, stream: KeywordStream, ending: Ending) -> None:
        """Called when a connection or an attempt at one has ended, and no stream is heard."""

    def relieved(self, stream: KeywordStream, ending: Ending, overlap: float) -> None:
        """
        Called when a connection has ended, or an attempt to make one has failed, while another
        stream is heard.  Both were open for `overlap` seconds.
        """


class SuccessionInputs(Protocol):
    """What can happen to the streams.  Automat makes the class that implements this."""

    def begin(self, stream: KeywordStream) -> None:
        """Called when a stream is to be started, for new keywords."""

    def go_back(self) -> None:
        """Called when the former stream is the wanted one again."""

    def newest_heard(self) -> None:
        """Called when the first byte of a connection of the newest stream has come."""

    def former_heard(self) -> None:
        """Called when the first byte of the former stream's connection has come."""

    def newest_ended(self, stream: KeywordStream, ending: Ending) -> None:
        """Called when a connection of the newest stream has ended, or an attempt has failed."""

    def former_ended(self, stream: KeywordStream, ending: Ending) -> None:
        """Called when the former stream has ended, which does not come back."""

    def newest_gone(self) -> None:
        """Called when the newest stream has been told to end, and is not heard of any more."""

    def former_gone(self) -> None:
        """Called when the former stream has been told to end, and is not heard of any more."""


class Succession(Struct):
    """
    What all states share: the `newest` stream, for the wanted keywords, and the `former` one.
    `end_former` ends that; `timers` have the wait for it.
    """

    clock: IReactorTime
    timers: Timers
    listener: TakeOverListener
    end_former: Callable[[KeywordStream], object]
    newest: KeywordStream | None = None
    former: KeywordStream | None = None

    def dismiss_former(self, seconds: float) -> None:
        """End the former stream in so many seconds, if it has not ended by itself."""
        self.keep_former()
        self.timers.start("farewell", seconds, self._farewell_is_due)

    def keep_former(self) -> None:
        """Do not end the former stream, if that was planned."""
        self.timers.stop("farewell")

    def drop_former(self) -> None:
        """Have no former stream any more."""
        self.former = None
        self.keep_former()

    def relieve(self, stream: KeywordStream, other: KeywordStream, ending: Ending) -> None:
        """Report that a stream has ended, while the other one is heard."""
        overlap = self.clock.seconds() - max(stream.opened_at, other.opened_at)
        self.listener.relieved(stream, ending, max(0.0, overlap))

    def _farewell_is_due(self) -> None:
        if self.former is not None:
            self.end_former(self.former)


_builder = TypeMachineBuilder(SuccessionInputs, Succession)
NONE = _builder.state("none")
ALONE = _builder.state("alone")
TRYING = _builder.state("trying")
TAKEN = _builder.state("taken")
GIVEN_UP = _builder.state("given_up")


@NONE.upon(SuccessionInputs.begin).to(ALONE)
def _begin(_: SuccessionInputs, core: Succession, stream: KeywordStream) -> None:
    core.newest = stream


@ALONE.upon(SuccessionInputs.begin).to(TRYING)
@GIVEN_UP.upon(SuccessionInputs.begin).to(TRYING)
def _begin_beside(_: SuccessionInputs, core: Succession, stream: KeywordStream) -> None:
    """Have a stream beside the one that counted before, which does not come back."""
    core.newest, core.former = stream, core.newest or core.former
    if core.former is not None:
        core.former.service.comes_back = False


@GIVEN_UP.upon(SuccessionInputs.go_back).to(ALONE)
def _go_back(_: SuccessionInputs, core: Succession) -> None:
    """Go on with the former stream as if nothing else had been asked for."""
    former = core.former
    core.drop_former()
    core.newest = former
    if former is not None:
        former.service.comes_back = True


@ALONE.upon(SuccessionInputs.newest_heard).loop()
def _newest_heard(_: SuccessionInputs, core: Succession) -> None:
    if core.newest is not None:
        core.listener.heard(core.newest)


@TRYING.upon(SuccessionInputs.newest_heard).to(TAKEN)
@TAKEN.upon(SuccessionInputs.newest_heard).loop()
def _take_over(inputs: SuccessionInputs, core: Succession) -> None:
    """Let the newest stream count, and the former be read for OVERLAP seconds more at most."""
    core.dismiss_former(OVERLAP)
    _newest_heard(inputs, core)


@TRYING.upon(SuccessionInputs.former_heard).loop()
@GIVEN_UP.upon(SuccessionInputs.former_heard).loop()
def _former_heard(_: SuccessionInputs, core: Succession) -> None:
    if core.former is not None:
        core.listener.heard(core.former)


@NONE.upon(SuccessionInputs.newest_ended).loop()
@ALONE.upon(SuccessionInputs.newest_ended).loop()
def _ended(_: SuccessionInputs, core: Succession, stream: KeywordStream, ending: Ending) -> None:
    core.listener.ended(stream, ending)


@GIVEN_UP.upon(SuccessionInputs.newest_ended).loop()
@TRYING.upon(SuccessionInputs.newest_ended).loop()
@TAKEN.upon(SuccessionInputs.newest_ended).to(TRYING)
def _newest_ended(
    _: SuccessionInputs, core: Succession, stream: KeywordStream, ending: Ending
) -> None:
    """Go on with the former stream, if it is heard, as the newest is not any more, or not yet."""
    former = core.former
    if former is None or not former.service.is_heard:
        core.listener.ended(stream, ending)
        return
    core.relieve(stream, former, ending)
    if former.leaves:
        return
    core.keep_former()
    if not stream.is_news:
        stream.is_news = former.is_news = True
        core.listener.heard(former)
    if stream.one_too_many >= MOST_IN_VAIN and ending.wait is not None:
        core.dismiss_former(max(0.0, ending.wait - AHEAD))


@TRYING.upon(SuccessionInputs.former_ended).to(ALONE)
@TAKEN.upon(SuccessionInputs.former_ended).to(ALONE)
@GIVEN_UP.upon(SuccessionInputs.former_ended).to(NONE)
def _former_ended(
    _: SuccessionInputs, core: Succession, stream: KeywordStream, ending: Ending
) -> None:
    """Go on without the former stream; that Twitter ended it for a newer one is no trouble."""
    newest = core.newest
    rival = stream.is_doomed or (newest is not None and newest.service.reaches)
    if rival and (ending.cause == "closed" or ending.trouble is DUPLICATE):
        # What Twitter has sent over a stream given up before its answer came is missing too.
        silent = ending.silent + IN_FLIGHT if stream.is_doomed else ending.silent
        ending = structs.replace(REKEYED, incomplete=ending.incomplete, silent=silent)
    core.drop_former()
    if newest is None or not newest.service.is_heard:
        core.listener.ended(stream, ending)
    else:
        core.relieve(stream, newest, ending)


@ALONE.upon(SuccessionInputs.newest_gone).to(NONE)
@TRYING.upon(SuccessionInputs.newest_gone).to(GIVEN_UP)
@TAKEN.upon(SuccessionInputs.newest_gone).to(GIVEN_UP)
def _newest_gone(_: SuccessionInputs, core: Succession) -> None:
    core.newest = None


@TRYING.upon(SuccessionInputs.former_gone).to(ALONE)
@TAKEN.upon(SuccessionInputs.former_gone).to(ALONE)
@GIVEN_UP.upon(SuccessionInputs.former_gone).to(NONE)
def _former_gone(_: SuccessionInputs, core: Succession) -> None:
    core.drop_former()


TAKEN.upon(SuccessionInputs.former_heard).loop()(unheeded)

machine = _builder.build()
"""Returns the inputs of a new machine, in the state `none`, for a Succession."""
